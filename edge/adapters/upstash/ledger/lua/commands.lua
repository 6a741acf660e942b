-- The command (ARGV[1]) and its time (ARGV[2], Unix ms; empty means the clock of Redis). All commands but those of
-- "expiresNothing" first expire what is due.
local function others()
  local commands = {}

  function commands.publish()
    local known = readRecord(ARGV[3])
    if known and tonumber(ARGV[4]) < known.version then return "ignored" end
    write("HSET", RECORDS, ARGV[3], ARGV[5])
    return "published"
  end

  local function readWindow(of, owner, window, limit)
    local counters, atMs = loadCounters(owner), atMsNow()
    local held, settled = readUse(counters, window, atMs)
    local resetAtMs = false
    if held + settled > 0 and fieldByWindow[window] then resetAtMs = freesAtMs(counters, window, atMs, huge) end
    return { window, of, limit or false, held, settled, resetAtMs }
  end

  function commands.inspect()
    local org = readRecord("org")
    if not org then return { "unknown" } end
    local windows, holds, keys = {}, {}, {}
    for _, window in ipairs(windowNames) do
      windows[#windows + 1] = readWindow("org", "org", window, limitIn(org.limits, window))
    end
    for _, id in ipairs(call("HKEYS", RECORDS)) do
      if id ~= "org" then keys[#keys + 1] = id end
    end
    table.sort(keys)
    for _, id in ipairs(keys) do
      local key = readRecord(id)
      for _, window in ipairs(windowNames) do
        local limit = limitIn(key.limits, window)
        if limit then windows[#windows + 1] = readWindow(id, findOwner(key), window, limit) end
      end
    end
    for _, member in ipairs(call("ZRANGEBYSCORE", OPEN, "(" .. int(atMsNow()), "+inf")) do
      local hold = findHold(sub(member, 1, 27))
      holds[#holds + 1] = { hold.id, hold.key, tokensHeld(hold), hold.expiresAtMs }
    end
    return { "state", atMsNow(), rowsWaiting(), windows, holds }
  end

  function commands.outbox()
    local reply = {}
    for _, entry in ipairs(call("XRANGE", OUTBOX, "-", "+", "COUNT", ARGV[3])) do
      reply[#reply + 1] = entry[1]
      reply[#reply + 1] = entry[2][2]
    end
    return reply
  end

  function commands.drained() return call("XDEL", OUTBOX, unpack(ARGV, 3)) end

  function commands.sweep() return rowsWaiting() end

  return commands
end

local function expire()
  local due = call("ZRANGEBYSCORE", OPEN, "-inf", int(atMsNow()))
  if #due == 0 then return end
  local ends = ending()
  for _, member in ipairs(due) do
    local hold = findHold(sub(member, 1, 27))
    if hold then ends.close(hold, "expired", hold.checkpoint or ends.nothing, now) end
  end
end

local partByCommand = { admit = deciding, introspect = deciding, settle = ending, release = ending }
local expiresNothing = { introspect = true, publish = true, outbox = true, drained = true }
if not expiresNothing[ARGV[1]] then expire() end
local part = (partByCommand[ARGV[1]] or others)()
local reply = part[ARGV[1]]()
commit()
return reply

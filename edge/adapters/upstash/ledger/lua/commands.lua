-- The command (ARGV[1]) and its time (ARGV[2], Unix ms; empty means the clock of Redis). All commands but those of
-- "expiresNothing" first expire what is due, and let go of keys that ended long ago.
local function others()
  local commands = {}

  local function isKey(id) return sub(id, 1, 4) == "key_" end

  -- When a key leaves: twin of planLeave in ledger/leave.ts.
  local function planLeave(id, key, known)
    local leavesAtMs = nil
    if key.isRevoked then
      local planned = known and known.isRevoked and call("ZSCORE", LEAVING, id)
      leavesAtMs = tonumber(planned or atMsNow() + KEY_RETENTION_MS)
    elseif type(key.expiresAtMs) == "number" then
      leavesAtMs = max(key.expiresAtMs, atMsNow()) + KEY_RETENTION_MS
    end
    if not leavesAtMs then return write("ZREM", LEAVING, id) end
    write("ZADD", LEAVING, int(leavesAtMs), id)
    nextLeaveMs = min(nextLeaveMs, leavesAtMs)
    write("HSET", COUNTERS, "leaves", int(nextLeaveMs))
  end

  -- Once an org: what was published by versions that planned nothing.
  local function planAll()
    if nextLeaveMs then return end
    nextLeaveMs = NEVER_MS
    local ids = call("HKEYS", RECORDS)
    for _, id in ipairs(ids) do
      if isKey(id) then planLeave(id, readRecord(id), nil) end
    end
    if #ids > 0 then write("HSET", COUNTERS, "leaves", int(nextLeaveMs)) end
  end

  -- A key that has left comes back by a higher version only. The answer says for how long calls may be admitted that
  -- know no better: also behind a record that is ignored, since the newer one may not have been answered.
  function commands.publish()
    local id, version = ARGV[3], tonumber(ARGV[4])
    local leasedForMs = nextLapseMs and leasing().leasedForMs(id) or 0
    local known = readRecord(id)
    if known and version < known.version then return { "ignored", leasedForMs } end
    local left = call("HGET", LEFT, id)
    if left and version <= tonumber(left) then return { "ignored", leasedForMs } end
    planAll()
    write("HSET", RECORDS, id, ARGV[5])
    write("HDEL", LEFT, id)
    if isKey(id) then planLeave(id, cjson.decode(ARGV[5]), known) end
    return { "published", leasedForMs }
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
    local windows, holds, ids = {}, {}, {}
    for _, window in ipairs(windowNames) do
      windows[#windows + 1] = readWindow("org", "org", window, limitIn(org.limits, window))
    end
    for _, id in ipairs(call("HKEYS", RECORDS)) do
      if id ~= "org" then ids[#ids + 1] = id end
    end
    -- Projects before keys.
    table.sort(ids, function(one, other)
      if isKey(one) ~= isKey(other) then return isKey(other) end
      return one < other
    end)
    for _, id in ipairs(ids) do
      local record = readRecord(id)
      for _, window in ipairs(windowNames) do
        local limit = limitIn(record.limits, window)
        if limit then windows[#windows + 1] = readWindow(id, findOwner(record), window, limit) end
      end
    end
    for _, member in ipairs(call("ZRANGEBYSCORE", OPEN, "(" .. int(atMsNow()), "+inf")) do
      local hold = findHold(sub(member, 1, 27))
      holds[#holds + 1] = { hold.id, hold.key, tokensHeld(hold), hold.expiresAtMs }
    end
    local open = {}
    for _, lease in ipairs(leasing().listLeases()) do
      open[#open + 1] = { lease.id, lease.key, lease.left.calls, lease.left.tokens, lease.endsAtMs }
    end
    return { "state", atMsNow(), rowsWaiting(), windows, holds, open }
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

  function commands.sweep()
    planAll()
    return rowsWaiting()
  end

  return commands
end

local function expire()
  if nextLapseMs and atMsNow() >= nextLapseMs then leasing().sweepLeases() end
  local due = call("ZRANGEBYSCORE", OPEN, "-inf", int(atMsNow()))
  if #due == 0 then return end
  local ends = ending()
  for _, member in ipairs(due) do
    local hold = findHold(sub(member, 1, 27))
    if hold then ends.close(hold, "expired", hold.checkpoint or ends.nothing, now) end
  end
end

-- Owners of counters that a key or an open hold still has. Records are JSON as JavaScript writes it, so a name in
-- quotes stands in no text of a caller; holds that this script has just closed are still in OPEN.
local function findOwners()
  local owners = {}
  for _, text in ipairs(call("HVALS", RECORDS)) do
    owners[match(text, '"lineage":"([^"]+)"') or match(text, '"id":"([^"]+)"')] = true
  end
  for _, member in ipairs(call("ZRANGE", OPEN, 0, -1)) do
    local owner = readMember(member)
    if owner and holdsBy[sub(member, 1, 27)] ~= false then owners[owner] = true end
  end
  return owners
end

-- Twin of leave in ledger/leave.ts. Written at once: what comes after must not see these keys, and a key whose time has
-- come may leave whatever becomes of the command.
local function leave()
  if not nextLeaveMs or atMsNow() < nextLeaveMs then return end
  local left = {}
  for _, id in ipairs(call("ZRANGEBYSCORE", LEAVING, "-inf", int(atMsNow()))) do
    local key = readRecord(id)
    if key then
      left[#left + 1] = findOwner(key)
      call("HSET", LEFT, id, int(key.version))
      call("HDEL", RECORDS, id)
    end
    call("ZREM", LEAVING, id)
  end
  local kept = findOwners()
  for _, owner in ipairs(left) do
    if not kept[owner] then
      call("HDEL", COUNTERS, owner)
      countersBy[owner], isChanged[owner] = nil, nil
    end
  end
  local first = call("ZRANGE", LEAVING, 0, 0, "WITHSCORES")
  call("HSET", COUNTERS, "leaves", first[2] or int(NEVER_MS))
end

local partByCommand = {
  admit = deciding, lease = deciding, introspect = deciding, settle = ending, release = ending, closeLease = leasing,
  cancelWait = waiting,
}
local expiresNothing = { introspect = true, publish = true, outbox = true, drained = true, cancelWait = true }
if not expiresNothing[ARGV[1]] then
  expire()
  leave()
end
local part = (partByCommand[ARGV[1]] or others)()
local reply = part[ARGV[1]]()
commit()
return reply

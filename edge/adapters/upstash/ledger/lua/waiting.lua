-- Who waits for a slot: what of ledger/waiting/line.ts a script can keep, body of a function (assemble.ts). It cannot
-- block, so those who wait ask again and again, and who was not heard of for WAITING_SEEN_MS is gone. An ask's line of
-- words: its key, its number, until when it waits, when it was last seen, what it lacked then ("org", "project", "key"
-- or "ask"), and its project, if it has one. Under "turn:" and a key stands the number of its turn, under "next" the
-- next number.
local asks, turns, size, nextNumber = {}, {}, 0, 1

local function drop(id)
  local key = asks[id].key
  asks[id], size = nil, size - 1
  write("HDEL", WAITING, id)
  for _, other in pairs(asks) do
    if other.key == key then return end
  end
  turns[key] = nil
  write("HDEL", WAITING, "turn:" .. key)
  if size == 0 then
    write("DEL", WAITING)
    write("HDEL", COUNTERS, "waits")
  end
end

local function load()
  local all = call("HGETALL", WAITING)
  for i = 1, #all, 2 do
    local name, text = all[i], all[i + 1]
    if name == "next" then
      nextNumber = tonumber(text)
    elseif sub(name, 1, 5) == "turn:" then
      turns[sub(name, 6)] = tonumber(text)
    else
      local key, number, untilMs, seenAtMs, lacks, project = match(text, "^(%S+) (%S+) (%S+) (%S+) (%S+) ?(%S*)$")
      size = size + 1
      asks[name] = {
        key = key, number = tonumber(number), untilMs = tonumber(untilMs), seenAtMs = tonumber(seenAtMs), lacks = lacks,
        project = project,
      }
    end
  end
  if #all == 0 then write("HDEL", COUNTERS, "waits") end
  local gone = {}
  for id, ask in pairs(asks) do
    if ask.seenAtMs < now - WAITING_SEEN_MS then gone[#gone + 1] = id end
  end
  for _, id in ipairs(gone) do drop(id) end
end

local function takeNumber()
  nextNumber = nextNumber + 1
  write("HSET", WAITING, "next", int(nextNumber))
  return nextNumber - 1
end

local width = { ask = 0, key = 1, project = 2, org = 3 }

-- How many asks of the key that lack a slot of this or a wider limit stand before this number.
local function countBefore(key, number, of)
  local count = 0
  for _, ask in pairs(asks) do
    if ask.key == key and ask.number < number and width[ask.lacks] >= width[of] then count = count + 1 end
  end
  return count
end

-- How many asks have to be let in before this one: of the key, those that came earlier; of the project and of the org,
-- in each round one of every key, by their turns. Whom a narrower limit holds up holds up nobody else.
local function countAhead(request, of)
  local id, key, own = request.id, request.key, asks[request.id]
  local number = own and own.number or huge
  if of == "key" then return countBefore(key, number, of) end
  local round, turn, count = countBefore(key, number, of), turns[key] or huge, 0
  for other, ask in pairs(asks) do
    local isRival = other ~= id and (of == "org" or ask.project == request.project)
    if isRival and width[ask.lacks] >= width[of] then
      local otherRound = countBefore(ask.key, ask.number, of)
      local isSooner = otherRound == round and ask.key ~= key and turns[ask.key] < turn
      if otherRound < round or isSooner then count = count + 1 end
    end
  end
  return count
end

-- Whoever stands ahead has what they will need: it is not free for this ask.
local function setAside(request, checks)
  if size == 0 then return end
  for _, check in ipairs(checks) do
    if check.unit == "calls" then
      local ahead = countAhead(request, check.of)
      check.remaining, check.isSetAside = max(0, check.remaining - ahead), ahead > 0
    end
  end
end

-- For how long a call that exceeds limits may wait, and what it lacks: twin of planWait in ledger/waiting/plan.ts. Nil
-- when it may not. The call says for a slot, and in all, in ms; at the end of its time "end".
local function plan(checks, hold, readNeed)
  local waitMs, waitMsMax = match(ARGV[19], "^(%d+) (%d+)$")
  if not waitMs then return nil end
  local isSlot, isLeased, lacks = true, nextLapseMs and true or false, "ask"
  for _, check in ipairs(checks) do
    local need = readNeed(check, hold)
    if need > check.remaining then
      if need > check.limit then return nil end
      isSlot = isSlot and check.unit == "calls"
      isLeased = isLeased and leasing().fits(check, hold, need)
      -- The narrowest comes first.
      if check.unit == "calls" and lacks == "ask" then lacks = check.of end
    end
  end
  local leasedMs = isLeased and leasing().leasedForMs("org") or 0
  local ms = min(tonumber(waitMsMax), max(isSlot and tonumber(waitMs) or 0, leasedMs))
  if ms > 0 then return { ms = ms, lacks = lacks } end
end

-- A call whose idempotency key is in use waits for the first call's end.
local function planRepeat(reply)
  local waitMs, waitMsMax = match(ARGV[19], "^(%d+) (%d+)$")
  local ms = waitMs and reply[2] == "idempotency_in_progress" and min(tonumber(waitMs), tonumber(waitMsMax)) or 0
  if ms > 0 then return { ms = ms, lacks = "ask" } end
end

-- The ask waits, unless its time is over or too many wait.
local function wait(request, ms, lacks, denial)
  local id, key, ask = request.id, request.key, asks[request.id]
  if ask and now >= ask.untilMs then
    drop(id)
    return denial
  end
  if not ask then
    if size >= WAITING_MAX then return denial end
    if size == 0 then write("HSET", COUNTERS, "waits", "1") end
    ask = { key = key, number = takeNumber(), untilMs = now + ms }
    asks[id], size = ask, size + 1
    if not turns[key] then
      turns[key] = ask.number
      write("HSET", WAITING, "turn:" .. key, int(ask.number))
    end
  end
  local line = concat({ key, int(ask.number), int(ask.untilMs), int(now), lacks, request.project }, " ")
  write("HSET", WAITING, id, line)
  write("PEXPIRE", WAITING, WAITING_GONE_MS)
  return { "waits", ask.untilMs - now, denial }
end

-- The ask waits no more. After a grant its key's next turn comes after all others'.
local function leave(id, isGranted)
  local ask = asks[id]
  if not ask then return end
  drop(id)
  if not isGranted or not turns[ask.key] then return end
  turns[ask.key] = takeNumber()
  write("HSET", WAITING, "turn:" .. ask.key, int(turns[ask.key]))
end

local function cancelWait()
  local isThere = asks[ARGV[3]] ~= nil
  leave(ARGV[3], false)
  return isThere and "cancelled" or "unknown"
end

load()
return {
  setAside = setAside, plan = plan, planRepeat = planRepeat, wait = wait, leave = leave, cancelWait = cancelWait,
}

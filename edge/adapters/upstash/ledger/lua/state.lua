-- The state of one org, read as it is needed and written once, at the end: a script that fails on the way has changed
-- nothing. Open holds are lines of text, ended ones an id in a sorted set by their end. Only what expiry charged is
-- stored whole, until its late record comes.
local RECORDS, COUNTERS, OPEN, HOLDS, ENDS, LATE, AGAIN, AGES, OUTBOX, LEAVING, LEFT, LEASES, WAITING =
  unpack(KEYS)

local function clock()
  if ARGV[2] ~= "" then return tonumber(ARGV[2]) end
  local time = call("TIME")
  return tonumber(time[1]) * 1000 + floor(tonumber(time[2]) / 1000)
end

local now = clock()
local stored = call("HMGET", COUNTERS, "at", "org", "leaves", "lapses", "waits")
local stateAtMs = tonumber(stored[1] or "0")
-- No key leaves earlier than this; false as long as nothing was planned.
local nextLeaveMs = stored[3] and tonumber(stored[3])
-- No lease has an earlier deadline; false when none is out. Between two sweeps it may be that of one that is gone.
local nextLapseMs = stored[4] and tonumber(stored[4])
-- Somebody waits for a slot, or has.
local isAwaited = stored[5] and true or false
local writes, countersBy, isChanged, holdsBy, endsBy, latesBy, againsBy = {}, {}, {}, {}, {}, {}, {}
local hasEnds, hasAgain = false, false

local function limitIn(limits, window)
  local limit = type(limits) == "table" and limits[window]
  return type(limit) == "number" and limit or nil
end

local function write(...) writes[#writes + 1] = { ... } end

local function atMsNow() return max(now, stateAtMs) end

local function loadCounters(owner)
  if not countersBy[owner] then
    local text = stored[2]
    if owner ~= "org" then text = call("HGET", COUNTERS, owner) end
    countersBy[owner] = readCounters(text or nil)
  end
  return countersBy[owner]
end

-- What comes late makes no counters: they went with their keys.
local function addCounters(all, owner, isLate)
  if isLate and call("HEXISTS", COUNTERS, owner) == 0 then return end
  all[#all + 1] = loadCounters(owner)
  isChanged[owner] = true
end

-- The counters that a hold changes: the org's; when it is booked to its key, those of the key's lineage; its project's.
local function loadCountersFor(hold, isLate)
  local all = { loadCounters("org") }
  isChanged.org = true
  if hold.isKeyBooked then addCounters(all, hold.owner, isLate) end
  if hold.project then addCounters(all, hold.project, isLate) end
  return all
end

local function decode(text)
  if not text then return nil end
  return cjson.decode(text), text
end

local function readRecord(field) return decode(call("HGET", RECORDS, field)) end

-- Under which id a key's calls are counted: its lineage's, so that a rotation gives nothing anew.
local function findOwner(key) return key.lineage or key.id end

local function splitLines(text)
  local found = {}
  for line in gmatch(text .. "\n", "(.-)\n") do found[#found + 1] = line end
  return found
end

local countColumns = COUNT_COLUMNS

local function writeUsage(usage)
  if not usage then return "" end
  local words = {}
  for i, name in ipairs(countColumns) do words[i] = int(usage[name]) end
  return concat(words, " ") .. " " .. usage.responseId
end

-- What was stored before there were units has a count less.
local function readUsage(text)
  local words = { match(text, USAGE_PATTERN) }
  if #words == 0 then words = { match(text, OLD_USAGE_PATTERN) } end
  if #words == 0 then return nil end
  local usage = { responseId = words[#words] }
  for i, name in ipairs(countColumns) do usage[name] = i < #words and tonumber(words[i]) or 0 end
  return usage
end

-- "text" is the part of a hold that never changes; its deadline and its last checkpoint are the two lines after it. It
-- begins with the owner of the counters; a key that is counted in another's stands at its end, behind the key the time
-- at which the call of a lease counts, and behind that the project. What there is none of, and nothing after, is not
-- written.
local function writeHold(hold)
  return hold.text .. "\n" .. int(hold.expiresAtMs) .. "\n" .. writeUsage(hold.checkpoint)
end

local function readHold(id, whole)
  local text, expiresAtMs, checkpoint = match(whole, "^(.*)\n([^\n]*)\n([^\n]*)$")
  local line = splitLines(text)
  return {
    id = id, text = text, owner = line[1], key = line[11] or line[1], isKeyBooked = line[2] == "1",
    promptTokens = tonumber(line[3]), completionTokens = tonumber(line[4]), choices = tonumber(line[5]),
    price = readPrice(line[6], line[7]),
    admittedAtMs = tonumber(line[8]), bookedAtMs = tonumber(line[12] or line[8]), expiresAtMs = tonumber(expiresAtMs),
    again = line[9], bill = line[10], project = line[13], checkpoint = readUsage(checkpoint),
  }
end

local function findHold(id)
  if holdsBy[id] == nil then
    local text = call("HGET", HOLDS, id)
    holdsBy[id] = text and readHold(id, text) or false
  end
  return holdsBy[id]
end

local function saveHold(hold)
  holdsBy[hold.id] = hold
  write("HSET", HOLDS, hold.id, writeHold(hold))
end

-- The member of OPEN: it carries owner and project, so that the deadlines of a lineage or a project are found without
-- reading holds.
local function makeMember(hold)
  return hold.id .. hold.owner .. (hold.isKeyBooked and "1" or "0") .. (hold.project or "")
end

-- Whose counters the hold of such a member changes beside the org's: its owner, if it is booked there, and its project.
local function readMember(member)
  local project = sub(member, 49)
  return sub(member, 48, 48) == "1" and sub(member, 28, 47) or nil, project ~= "" and project or nil
end

local function saveOpen(hold)
  saveHold(hold)
  write("ZADD", OPEN, int(hold.expiresAtMs), makeMember(hold))
end

local function isEnded(id)
  if endsBy[id] == nil then endsBy[id] = call("ZSCORE", ENDS, id) and true or false end
  return endsBy[id]
end

-- What expiry charged, as long as no late record has come: the hold, the usage and the cost.
local function findLate(id)
  if latesBy[id] == nil then
    local text = call("HGET", LATE, id)
    latesBy[id] = false
    if text then
      local cost, usage, hold = match(text, "^(%S+)\n([^\n]*)\n(.*)$")
      latesBy[id] = { hold = readHold(id, hold), charged = readUsage(usage), cost = tonumber(cost) }
    end
  end
  return latesBy[id]
end

local function saveLate(hold, charged, cost)
  latesBy[hold.id] = { hold = hold, charged = charged, cost = cost }
  write("HSET", LATE, hold.id, int(cost) .. "\n" .. writeUsage(charged) .. "\n" .. writeHold(hold))
end

-- The newest call of an idempotency key: hold, time of admission, body, and what it used once it has ended.
local function findAgain(key)
  if againsBy[key] == nil then
    local text = call("HGET", AGAIN, key)
    againsBy[key] = false
    if text then
      local line = splitLines(text)
      againsBy[key] = { hold = line[1], admittedAtMs = tonumber(line[2]), body = line[3], first = readUsage(line[4]) }
    end
  end
  return againsBy[key]
end

local function saveAgain(key, again)
  againsBy[key] = again
  hasAgain = true
  write("HSET", AGAIN, key, concat({ again.hold, int(again.admittedAtMs), again.body, writeUsage(again.first) }, "\n"))
  write("ZADD", AGES, int(again.admittedAtMs), key)
end

local function forgetAgain(key)
  againsBy[key] = false
  write("HDEL", AGAIN, key)
  write("ZREM", AGES, key)
end

-- The rows in the outbox and those that this script will add.
local function rowsWaiting()
  local rows = call("XLEN", OUTBOX)
  for _, command in ipairs(writes) do
    if command[1] == "XADD" then rows = rows + 1 end
  end
  return rows
end

-- A hundred of the oldest at a time, so that no single call pays for a whole week.
local function sweepEnds()
  local old = call("ZRANGEBYSCORE", ENDS, "-inf", int(stateAtMs - ENDED_RETENTION_MS), "LIMIT", 0, 100)
  if #old == 0 then return end
  call("ZREM", ENDS, unpack(old))
  call("HDEL", LATE, unpack(old))
end

local function sweepAgain()
  local old = call("ZRANGEBYSCORE", AGES, "-inf", int(stateAtMs - IDEMPOTENCY_MS), "LIMIT", 0, 100)
  if #old == 0 then return end
  call("ZREM", AGES, unpack(old))
  call("HDEL", AGAIN, unpack(old))
end

local function commit()
  for _, command in ipairs(writes) do call(unpack(command)) end
  if isChanged.org then
    local fields = { "at", int(stateAtMs) }
    for owner in pairs(isChanged) do
      fields[#fields + 1] = owner
      fields[#fields + 1] = writeCounters(countersBy[owner])
    end
    call("HSET", COUNTERS, unpack(fields))
  end
  if hasEnds then sweepEnds() end
  if hasAgain then sweepAgain() end
end

import { endedKeepMs } from "../../../ledger/core.ts";
import { idempotencyMs } from "../../../limits.ts";

/**
 * Lua: what one org keeps, read as it is needed, and written once at the end: a script that fails on the way has
 * changed nothing. Open holds are lines of text, ended ones an id in a sorted set by their end; only what expiry
 * charged is kept whole, until its late record comes.
 */
export const scriptState = String.raw`
local RECORDS, BOOKS, OPEN, HOLDS, ENDS, LATE, AGAIN, AGES, OUTBOX = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]

local function clock()
  if ARGV[2] ~= "" then return tonumber(ARGV[2]) end
  local time = call("TIME")
  return tonumber(time[1]) * 1000 + floor(tonumber(time[2]) / 1000)
end

local now = clock()
local booked = call("HMGET", BOOKS, "at", "org")
local stateAtMs = tonumber(booked[1] or "0")
local writes, booksBy, isBooked, holdsBy, endsBy, latesBy, againsBy = {}, {}, {}, {}, {}, {}, {}
local hasEnds, hasAgain = false, false

local function limitIn(limits, window)
  local limit = type(limits) == "table" and limits[window]
  return type(limit) == "number" and limit or nil
end

local function write(...) writes[#writes + 1] = { ... } end

local function atMsNow() return max(now, stateAtMs) end

local function booksOf(owner)
  if not booksBy[owner] then
    local text = booked[2]
    if owner ~= "org" then text = call("HGET", BOOKS, owner) end
    booksBy[owner] = readBooks(text or nil)
  end
  return booksBy[owner]
end

-- Books of the org and, for a hold that is booked to its key, of the key: to be changed.
local function booksFor(hold)
  local all = { booksOf("org") }
  isBooked.org = true
  if hold.isKeyBooked then
    all[2] = booksOf(hold.key)
    isBooked[hold.key] = true
  end
  return all
end

local function decoded(text)
  if not text then return nil end
  return cjson.decode(text), text
end

local function recordOf(field) return decoded(call("HGET", RECORDS, field)) end

local function lines(text)
  local found = {}
  for line in gmatch(text .. "\n", "(.-)\n") do found[#found + 1] = line end
  return found
end

local function writeUsage(usage)
  if not usage then return "" end
  return format("%d %d %d ", usage.promptTokens, usage.cachedTokens, usage.completionTokens) .. usage.responseId
end

local function readUsage(text)
  local prompt, cached, completion, responseId = match(text, "^(%S+) (%S+) (%S+) (.*)$")
  if not prompt then return nil end
  return { promptTokens = tonumber(prompt), cachedTokens = tonumber(cached), completionTokens = tonumber(completion), responseId = responseId }
end

-- "text" is what never changes of a hold; its deadline and what is noted stand on lines after it.
local function writeHold(hold) return hold.text .. "\n" .. int(hold.expiresAtMs) .. "\n" .. writeUsage(hold.noted) end

local function readHold(id, whole)
  local text, expiresAtMs, noted = match(whole, "^(.*)\n([^\n]*)\n([^\n]*)$")
  local line = lines(text)
  return {
    id = id, text = text, key = line[1], isKeyBooked = line[2] == "1", promptTokens = tonumber(line[3]), completionTokens = tonumber(line[4]),
    choices = tonumber(line[5]), price = { prompt = tonumber(line[6]), completion = tonumber(line[7]) }, admittedAtMs = tonumber(line[8]),
    expiresAtMs = tonumber(expiresAtMs), again = line[9], bill = line[10], noted = readUsage(noted),
  }
end

local function holdOf(id)
  if holdsBy[id] == nil then
    local text = call("HGET", HOLDS, id)
    holdsBy[id] = text and readHold(id, text) or false
  end
  return holdsBy[id]
end

local function keepHold(hold)
  holdsBy[hold.id] = hold
  write("HSET", HOLDS, hold.id, writeHold(hold))
end

-- In OPEN, so that deadlines of one key are found without reading holds.
local function memberOf(hold) return hold.id .. hold.key .. (hold.isKeyBooked and "1" or "0") end

local function isEnded(id)
  if endsBy[id] == nil then endsBy[id] = call("ZSCORE", ENDS, id) and true or false end
  return endsBy[id]
end

-- What expiry charged, while no late record has come: the hold, the usage and the cost.
local function lateOf(id)
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

local function keepLate(hold, charged, cost)
  latesBy[hold.id] = { hold = hold, charged = charged, cost = cost }
  write("HSET", LATE, hold.id, int(cost) .. "\n" .. writeUsage(charged) .. "\n" .. writeHold(hold))
end

-- The newest call of an idempotency key: hold, time of admission, body, and what it used once it has ended.
local function againOf(key)
  if againsBy[key] == nil then
    local text = call("HGET", AGAIN, key)
    againsBy[key] = false
    if text then
      local line = lines(text)
      againsBy[key] = { hold = line[1], admittedAtMs = tonumber(line[2]), body = line[3], first = readUsage(line[4]) }
    end
  end
  return againsBy[key]
end

local function keepAgain(key, again)
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

-- Those in the outbox, and those that this script will add.
local function rowsWaiting()
  local rows = call("XLEN", OUTBOX)
  for _, command in ipairs(writes) do
    if command[1] == "XADD" then rows = rows + 1 end
  end
  return rows
end

-- A few of the oldest at a time, so that no call pays for a week.
local function sweepEnds()
  local old = call("ZRANGEBYSCORE", ENDS, "-inf", int(stateAtMs - ${endedKeepMs}), "LIMIT", 0, 100)
  if #old == 0 then return end
  call("ZREM", ENDS, unpack(old))
  call("HDEL", LATE, unpack(old))
end

local function sweepAgain()
  local old = call("ZRANGEBYSCORE", AGES, "-inf", int(stateAtMs - ${idempotencyMs}), "LIMIT", 0, 100)
  if #old == 0 then return end
  call("ZREM", AGES, unpack(old))
  call("HDEL", AGAIN, unpack(old))
end

local function commit()
  for _, command in ipairs(writes) do call(unpack(command)) end
  if isBooked.org then
    local fields = { "at", int(stateAtMs) }
    for owner in pairs(isBooked) do
      fields[#fields + 1] = owner
      fields[#fields + 1] = writeBooks(booksBy[owner])
    end
    call("HSET", BOOKS, unpack(fields))
  end
  if hasEnds then sweepEnds() end
  if hasAgain then sweepAgain() end
end
`;

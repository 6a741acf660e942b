import { idempotencyMs } from "../../../limits.ts";

/**
 * Lua: may this call run? The twin of `admission/lanes.ts` and `admission/decide.ts`; the body of a function
 * (script.ts). It reads, and only `admit` at its end books.
 */
export const scriptDecide = String.raw`
local unitOf = {
  requestsPerMinute = "requests", requestsPerHour = "requests", concurrency = "calls", tokensPerMinute = "tokens",
  requestsPerDay = "requests", tokensPerDay = "tokens", tokensPerMonth = "tokens", costMicrosPerMonth = "money",
}

local function hasLimits(record)
  for _, window in ipairs(windowNames) do
    if limitIn(record.limits, window) then return true end
  end
  return false
end

local function addLanes(lanes, of, limits, owner, atMs)
  for _, window in ipairs(windowNames) do
    local limit = limitIn(limits, window)
    if limit then
      local books = booksOf(owner)
      local held, settled = useOf(books, window, atMs)
      lanes[#lanes + 1] = {
        of = of, window = window, unit = unitOf[window], limit = limit, remaining = max(0, limit - held - settled), books = books, atMs = atMs,
      }
    end
  end
end

local function need(lane, hold)
  if lane.unit == "tokens" then return tokensHeld(hold) end
  return lane.unit == "money" and costHeld(hold) or 1
end

local function roomAtMs(lane, amount)
  local held, settled = useOf(lane.books, lane.window, lane.atMs)
  return freesAtMs(lane.books, lane.window, lane.atMs, held + settled + amount - lane.limit)
end

-- Deadlines as OPEN keeps them; those that this script has expired are not among them any more.
local function slotAtMs(lane, hold)
  local skip = lane.books.open - lane.limit
  if lane.of == "org" then
    local found = call("ZRANGEBYSCORE", OPEN, "(" .. int(lane.atMs), "+inf", "WITHSCORES", "LIMIT", int(skip), 1)
    return tonumber(found[2] or lane.atMs)
  end
  local open = call("ZRANGEBYSCORE", OPEN, "(" .. int(lane.atMs), "+inf", "WITHSCORES")
  for i = 1, #open, 2 do
    if sub(open[i], 28) == hold.key .. "1" then
      if skip == 0 then return tonumber(open[i + 1]) end
      skip = skip - 1
    end
  end
  return lane.atMs
end

local function firstShut(lanes, hold)
  local shut, opensAtMs = nil, nil
  for _, lane in ipairs(lanes) do
    local amount = need(lane, hold)
    if amount > lane.remaining then
      if amount > lane.limit then return lane, countsUntilMs(lane.window, lane.atMs) or hold.expiresAtMs end
      local opens = lane.window == "concurrency" and slotAtMs(lane, hold) or roomAtMs(lane, amount)
      if not shut or opens > opensAtMs then shut, opensAtMs = lane, opens end
    end
  end
  return shut, opensAtMs
end

local function tokensFor(remaining, ask, completion)
  if costMicros(ask.price, ask.promptTokens, completion) <= remaining then return huge end
  local afterPrompt = remaining * 1000000 - ask.price.prompt * ask.promptTokens
  if afterPrompt < 0 then return floor(remaining * 1000000 / ask.price.prompt) end
  return ask.promptTokens + floor(afterPrompt / ask.price.completion)
end

local function tokensFitting(lanes, ask)
  local completion = ask.choices * ask.completionTokens
  local fitting = 9007199254740991
  for _, lane in ipairs(lanes) do
    if lane.unit == "tokens" then fitting = min(fitting, lane.remaining) end
    if lane.unit == "money" then fitting = min(fitting, tokensFor(lane.remaining, ask, completion)) end
  end
  return fitting
end

local function clampedCompletion(lanes, ask)
  if ask.choices == 0 then return ask.completionTokens end
  local fitting = floor((tokensFitting(lanes, ask) - ask.promptTokens) / ask.choices)
  return fitting < 1 and ask.completionTokens or min(ask.completionTokens, fitting)
end

local function fullAtMs(lane, hold)
  if hold and (lane.unit ~= "tokens" or tokensHeld(hold) > 0) then return countsUntilMs(lane.window, lane.atMs) end
  local held, settled = useOf(lane.books, lane.window, lane.atMs)
  if held + settled == 0 then return nil end
  return freesAtMs(lane.books, lane.window, lane.atMs, huge)
end

-- Appends limit, remaining and ms until full of the narrowest window; three times false where there is no limit.
local function report(reply, lanes, unit, hold)
  local found, remaining = nil, huge
  for _, lane in ipairs(lanes) do
    local left = lane.remaining - (hold and lane.unit == unit and need(lane, hold) or 0)
    if lane.unit == unit and left < remaining then found, remaining = lane, left end
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = false, false, false
  if found then reply[n + 1], reply[n + 2], reply[n + 3] = found.limit, remaining, (fullAtMs(found, hold) or now) - now end
end

local function upTo(one, other)
  for i = 1, min(#one, #other) do
    local a, b = byte(one, i), byte(other, i)
    if a ~= b then return a < b end
  end
  return #one <= #other
end

local function includes(list, value)
  if type(list) ~= "table" then return true end
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

-- The record of the key in force and its text, else nil and why not. ARGV from FROM on: token, then kid, digest, kid, digest. A token of ours was verified by the
-- edge and stands for the key: two digits tell whether it allows the endpoint and the model.
local function keyInForce(id, ip, from)
  local records = call("HMGET", RECORDS, id, "org")
  local key, text = decoded(records[1])
  local isProven = (ARGV[from] or "") ~= ""
  for i = from + 1, #ARGV, 2 do
    if key and ARGV[i] == key.pepperKid and ARGV[i + 1] == key.digest then isProven = true end
  end
  if not key or not isProven or key.isRevoked then return nil, "key" end
  if type(key.expiresAtMs) == "number" and key.expiresAtMs <= atMsNow() then return nil, "key" end
  local org = decoded(records[2])
  if not org or org.isSuspended then return nil, "key" end
  if type(key.ipRanges) == "table" then
    local isInside = false
    for _, range in ipairs(key.ipRanges) do
      if ip ~= "" and upTo(range.from, ip) and upTo(ip, range.to) then isInside = true end
    end
    if not isInside then return nil, "ip" end
  end
  return key, text, org
end

local function judgeRepeat(ask)
  local earlier = ask.again ~= "" and againOf(ask.again)
  if not earlier or atMsNow() >= earlier.admittedAtMs + ${idempotencyMs} then return nil end
  if earlier.body ~= ask.body then return { "denial", "idempotency_mismatch" } end
  if not earlier.first then return { "denial", "idempotency_in_progress", 1000 } end
  local first = earlier.first
  return { "denial", "idempotency_replayed", earlier.hold, first.responseId, first.promptTokens, first.completionTokens }
end

local function denialBy(lane, opensAtMs, lanes, ask)
  local window = lane.window
  local waitMs = max(1, opensAtMs - now)
  local reason = "quota"
  if window == "concurrency" then
    reason, waitMs = "concurrency", min(waitMs, 1000)
  elseif widthOf[window] then
    reason = "rate"
  end
  local isCounted = lane.unit == "tokens" or lane.unit == "money"
  local reply = { "denial", reason, window, lane.of, lane.limit, waitMs, opensAtMs, isCounted and tokensFitting(lanes, ask) or false }
  report(reply, lanes, "requests", nil)
  report(reply, lanes, "tokens", nil)
  return reply
end

local function readAsk()
  return {
    id = ARGV[3], key = ARGV[4], promptTokens = tonumber(ARGV[8]), completionTokens = tonumber(ARGV[9]), choices = tonumber(ARGV[10]),
    price = { prompt = tonumber(ARGV[13]), completion = tonumber(ARGV[14]) }, again = ARGV[15], body = ARGV[16], bill = ARGV[17],
  }
end

local function admit()
  local ask = readAsk()
  local key, why, org = keyInForce(ask.key, ARGV[5], 18)
  if not key then return { "denial", why } end
  if not includes(key.endpoints, ARGV[6]) or sub(ARGV[18], 1, 1) == "0" then return { "denial", "endpoint" } end
  if not includes(key.models, ARGV[7]) or sub(ARGV[18], 2, 2) == "0" then return { "denial", "model" } end
  local again = judgeRepeat(ask)
  if again then return again end
  local atMs, lanes = atMsNow(), {}
  addLanes(lanes, "key", key.limits, ask.key, atMs)
  addLanes(lanes, "org", org.limits, "org", atMs)
  local hold = {}
  for name, value in pairs(ask) do hold[name] = value end
  if ARGV[11] == "1" then hold.completionTokens = clampedCompletion(lanes, ask) end
  hold.isKeyBooked, hold.admittedAtMs, hold.expiresAtMs = hasLimits(key), atMs, atMs + tonumber(ARGV[12])
  local lane, opensAtMs = firstShut(lanes, hold)
  if lane then return denialBy(lane, opensAtMs, lanes, ask) end
  if holdOf(ask.id) or isEnded(ask.id) then return redis.error_reply("HELD this hold was given before") end
  hold.text = concat({
    ask.key, hold.isKeyBooked and "1" or "0", ARGV[8], int(hold.completionTokens), ARGV[10], ARGV[13], ARGV[14], int(atMs), ask.again, ask.bill,
  }, "\n")
  local reply = { "grant", tokensHeld(hold), hold.completionTokens, hold.expiresAtMs }
  report(reply, lanes, "requests", hold)
  report(reply, lanes, "tokens", hold)
  for _, books in ipairs(booksFor(hold)) do bookHold(books, hold) end
  keepHold(hold)
  write("ZADD", OPEN, int(hold.expiresAtMs), memberOf(hold))
  if ask.again ~= "" then keepAgain(ask.again, { hold = ask.id, admittedAtMs = atMs, body = ask.body }) end
  stateAtMs = atMs
  return reply
end

local function look()
  local key, text = keyInForce(ARGV[3], ARGV[4], 5)
  if not key then return { "denial", text } end
  return { "scopes", text }
end

return { admit = admit, look = look }
`;

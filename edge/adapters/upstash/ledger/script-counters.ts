import { subBuckets } from "../../../limits.ts";

/**
 * Lua: time, sliding windows and counters, the twins of `ledger/windows.ts` and `ledger/counters.ts`. Numbers are
 * doubles as in JavaScript. They become text by `%d` (64 bits) only, since Lua's own `tostring` and cjson keep 14
 * digits. The counters of an owner are one line of text: the newest bucket of each sliding window is parsed, the older
 * ones stay text.
 */
export const scriptCounters = String.raw`
local minuteMs, hourMs, dayMs = 60000 / ${subBuckets}, 3600000 / ${subBuckets}, 86400000

local function int(number) return format("%d", number) end

local function toDay(ms) return floor(ms / dayMs) end

local function toMonth(ms)
  local days = toDay(ms) + 719468
  local era = floor(days / 146097)
  local dayOfEra = days - era * 146097
  local leaps = floor(dayOfEra / 1460) - floor(dayOfEra / 36524) + floor(dayOfEra / 146096)
  local yearOfEra = floor((dayOfEra - leaps) / 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + floor(yearOfEra / 4) - floor(yearOfEra / 100))
  return (era * 400 + yearOfEra) * 12 + floor((5 * dayOfYear + 2) / 153) + 2
end

local function nextDayMs(ms) return (toDay(ms) + 1) * dayMs end

local function nextMonthMs(ms)
  local marchMonth = toMonth(ms) + 1 - 2
  local year = floor(marchMonth / 12)
  local daysBefore = floor((153 * (marchMonth - year * 12) + 2) / 5)
  return (year * 365 + floor(year / 4) - floor(year / 100) + floor(year / 400) + daysBefore - 719468) * dayMs
end

local function bucketEnd(bucket, widthMs) return (bucket + ${subBuckets + 1}) * widthMs end

local function parseSliding(text)
  local held, settled, first, at, atHeld, atSettled, rest = match(text, "^(%S+) (%S+) (%S+) (%S+) (%S+) ([^;]+)(.*)$")
  if not held then return { held = 0, settled = 0, rest = "" } end
  return {
    held = tonumber(held), settled = tonumber(settled), first = tonumber(first), rest = rest,
    newest = { at = tonumber(at), held = tonumber(atHeld), settled = tonumber(atSettled) },
  }
end

local function writeSliding(sliding)
  local newest = sliding.newest
  if not newest then return "" end
  local sums = format("%d %d %d ", sliding.held, sliding.settled, sliding.first)
  return sums .. format("%d %d %d", newest.at, newest.held, newest.settled) .. sliding.rest
end

-- Iterates over the buckets, oldest first.
local function buckets(sliding)
  local older = gmatch(sliding.rest, ";(%S+) (%S+) ([^;]+)")
  local isDone = not sliding.newest
  return function()
    local at, held, settled = older()
    if at then return tonumber(at), tonumber(held), tonumber(settled) end
    if isDone then return nil end
    isDone = true
    return sliding.newest.at, sliding.newest.held, sliding.newest.settled
  end
end

local function dropOld(sliding, bucket)
  for at, held, settled in buckets(sliding) do
    sliding.first = at
    if at >= bucket - ${subBuckets} then return end
    sliding.held, sliding.settled = sliding.held - held, sliding.settled - settled
    if sliding.rest == "" then sliding.newest = nil else sliding.rest = match(sliding.rest, "^;[^;]+(.*)$") end
  end
end

local function addTo(sliding, bucket, held, settled)
  bucket.held, bucket.settled = bucket.held + held, bucket.settled + settled
  sliding.held, sliding.settled = sliding.held + held, sliding.settled + settled
end

local function addToSliding(sliding, bucket, held, settled)
  if sliding.newest and sliding.first < bucket - ${subBuckets} then dropOld(sliding, bucket) end
  local newest = sliding.newest
  if not newest then sliding.first = bucket end
  if newest and newest.at ~= bucket then
    sliding.rest = sliding.rest .. format(";%d %d %d", newest.at, newest.held, newest.settled)
  end
  if not newest or newest.at ~= bucket then sliding.newest = { at = bucket, held = 0, settled = 0 } end
  addTo(sliding, sliding.newest, held, settled)
end

local function adjustSliding(sliding, bucket, held, settled)
  if not sliding.newest or bucket < sliding.first then return end
  if sliding.newest.at == bucket then return addTo(sliding, sliding.newest, held, settled) end
  local from, to, wasHeld, wasSettled = find(sliding.rest, format(";%d (%%S+) ([^;]+)", bucket))
  if not from then return end
  local one = { held = tonumber(wasHeld), settled = tonumber(wasSettled) }
  addTo(sliding, one, held, settled)
  local changed = format(";%d %d %d", bucket, one.held, one.settled)
  sliding.rest = sub(sliding.rest, 1, from - 1) .. changed .. sub(sliding.rest, to + 1)
end

local function readSliding(sliding, bucket)
  local held, settled = sliding.held, sliding.settled
  if not sliding.newest or sliding.first >= bucket - ${subBuckets} then return held, settled end
  for at, oldHeld, oldSettled in buckets(sliding) do
    if at >= bucket - ${subBuckets} then break end
    held, settled = held - oldHeld, settled - oldSettled
  end
  return held, settled
end

local function findFreeingBucket(sliding, bucket, amount)
  local freed, last = 0, nil
  for at, held, settled in buckets(sliding) do
    if freed >= amount then break end
    if at >= bucket - ${subBuckets} and held + settled > 0 then freed, last = freed + held + settled, at end
  end
  return last
end

local function parseUse(held, settled) return { held = tonumber(held), settled = tonumber(settled) } end

local function readCounters(text)
  local open, day, requests, requestsSettled, tokens, tokensSettled,
    month, monthTokens, monthTokensSettled, cost, costSettled, minute, hour, tokensMinute = match(
      text or "0 0 0 0 0 0 0 0 0 0 0|||",
      "^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) ([^|]+)|([^|]*)|([^|]*)|([^|]*)$"
    )
  return {
    open = tonumber(open),
    day = tonumber(day), dayRequests = parseUse(requests, requestsSettled), dayTokens = parseUse(tokens, tokensSettled),
    month = tonumber(month),
    monthTokens = parseUse(monthTokens, monthTokensSettled), monthCost = parseUse(cost, costSettled),
    minute = parseSliding(minute), hour = parseSliding(hour), tokens = parseSliding(tokensMinute),
  }
end

local function writeCounters(counters)
  local requests, tokens = counters.dayRequests, counters.dayTokens
  local monthTokens, cost = counters.monthTokens, counters.monthCost
  local head = format(
    "%d %d %d %d %d %d %d %d %d %d %d|",
    counters.open, counters.day, requests.held, requests.settled, tokens.held, tokens.settled,
    counters.month, monthTokens.held, monthTokens.settled, cost.held, cost.settled
  )
  local minute, hour, tokensMinute = counters.minute, counters.hour, counters.tokens
  return head .. writeSliding(minute) .. "|" .. writeSliding(hour) .. "|" .. writeSliding(tokensMinute)
end

local windowNames = {
  "requestsPerMinute", "requestsPerHour", "concurrency", "tokensPerMinute",
  "requestsPerDay", "tokensPerDay", "tokensPerMonth", "costMicrosPerMonth",
}
local slidingByWindow = { requestsPerMinute = "minute", requestsPerHour = "hour", tokensPerMinute = "tokens" }
local widthByWindow = { requestsPerMinute = minuteMs, requestsPerHour = hourMs, tokensPerMinute = minuteMs }
local dailyByWindow = { requestsPerDay = "dayRequests", tokensPerDay = "dayTokens" }
local monthlyByWindow = { tokensPerMonth = "monthTokens", costMicrosPerMonth = "monthCost" }

local function readUse(counters, window, atMs)
  local width = widthByWindow[window]
  if width then return readSliding(counters[slidingByWindow[window]], floor(atMs / width)) end
  if window == "concurrency" then return counters.open, 0 end
  local name = dailyByWindow[window]
  local isCurrent
  if name then
    isCurrent = counters.day == toDay(atMs)
  else
    name, isCurrent = monthlyByWindow[window], counters.month == toMonth(atMs)
  end
  if not isCurrent then return 0, 0 end
  return counters[name].held, counters[name].settled
end

local function countsUntilMs(window, atMs)
  local width = widthByWindow[window]
  if width then return bucketEnd(floor(atMs / width), width) end
  if window == "concurrency" then return nil end
  return dailyByWindow[window] and nextDayMs(atMs) or nextMonthMs(atMs)
end

local function freesAtMs(counters, window, atMs, amount)
  local width = widthByWindow[window]
  if not width then return countsUntilMs(window, atMs) or atMs end
  local bucket = findFreeingBucket(counters[slidingByWindow[window]], floor(atMs / width), amount)
  return bucket and bucketEnd(bucket, width) or atMs
end

local function costMicros(price, promptTokens, completionTokens)
  return ceil((price.prompt * promptTokens + price.completion * completionTokens) / 1000000)
end

local function tokensHeld(hold) return hold.promptTokens + hold.choices * hold.completionTokens end

local function costHeld(hold) return costMicros(hold.price, hold.promptTokens, hold.choices * hold.completionTokens) end

local function add(use, held, settled) use.held, use.settled = use.held + held, use.settled + settled end

local function countHold(counters, hold)
  local atMs, tokens = hold.admittedAtMs, tokensHeld(hold)
  local minute = floor(atMs / minuteMs)
  addToSliding(counters.minute, minute, 0, 1)
  addToSliding(counters.hour, floor(atMs / hourMs), 0, 1)
  addToSliding(counters.tokens, minute, tokens, 0)
  counters.open = counters.open + 1
  if counters.day ~= toDay(atMs) then
    counters.day = toDay(atMs)
    counters.dayRequests, counters.dayTokens = { held = 0, settled = 0 }, { held = 0, settled = 0 }
  end
  if counters.month ~= toMonth(atMs) then
    counters.month = toMonth(atMs)
    counters.monthTokens, counters.monthCost = { held = 0, settled = 0 }, { held = 0, settled = 0 }
  end
  add(counters.dayRequests, 1, 0)
  add(counters.dayTokens, tokens, 0)
  add(counters.monthTokens, tokens, 0)
  add(counters.monthCost, costHeld(hold), 0)
end

local function countClosing(counters, hold, ending, charged, cost)
  local isLate = ending == "adjusted"
  local held = isLate and 0 or -tokensHeld(hold)
  local settled = charged.promptTokens + charged.completionTokens
  adjustSliding(counters.tokens, floor(hold.admittedAtMs / minuteMs), held, settled)
  if not isLate then counters.open = counters.open - 1 end
  if counters.day == toDay(hold.admittedAtMs) then
    add(counters.dayTokens, held, settled)
    if not isLate then add(counters.dayRequests, -1, ending == "released" and 0 or 1) end
  end
  if counters.month == toMonth(hold.admittedAtMs) then
    add(counters.monthTokens, held, settled)
    add(counters.monthCost, isLate and 0 or -costHeld(hold), cost)
  end
end
`;

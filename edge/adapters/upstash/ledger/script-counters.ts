import { subBuckets } from "../../../limits.ts";

/**
 * Lua: time, sliding windows and books, the twins of `admission/windows.ts` and `admission/books.ts`. Numbers are
 * doubles as in JavaScript; they become text by `%d` (64 bits) only, since Lua's own `tostring` and cjson keep 14
 * digits. The books of an owner are one line of text: the newest bucket of each slide is read at once, the older ones
 * stay text.
 */
export const scriptBooks = String.raw`
local minuteMs, hourMs, dayMs = 60000 / ${subBuckets}, 3600000 / ${subBuckets}, 86400000

local function int(number) return format("%d", number) end

local function dayOf(ms) return floor(ms / dayMs) end

local function monthOf(ms)
  local days = dayOf(ms) + 719468
  local era = floor(days / 146097)
  local dayOfEra = days - era * 146097
  local leaps = floor(dayOfEra / 1460) - floor(dayOfEra / 36524) + floor(dayOfEra / 146096)
  local yearOfEra = floor((dayOfEra - leaps) / 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + floor(yearOfEra / 4) - floor(yearOfEra / 100))
  return (era * 400 + yearOfEra) * 12 + floor((5 * dayOfYear + 2) / 153) + 2
end

local function nextDayMs(ms) return (dayOf(ms) + 1) * dayMs end

local function nextMonthMs(ms)
  local marchMonth = monthOf(ms) + 1 - 2
  local year = floor(marchMonth / 12)
  local daysBefore = floor((153 * (marchMonth - year * 12) + 2) / 5)
  return (year * 365 + floor(year / 4) - floor(year / 100) + floor(year / 400) + daysBefore - 719468) * dayMs
end

local function bucketEnd(bucket, widthMs) return (bucket + ${subBuckets + 1}) * widthMs end

local function readSlide(text)
  local held, settled, first, at, atHeld, atSettled, rest = match(text, "^(%S+) (%S+) (%S+) (%S+) (%S+) ([^;]+)(.*)$")
  if not held then return { held = 0, settled = 0, rest = "" } end
  return {
    held = tonumber(held), settled = tonumber(settled), first = tonumber(first), rest = rest,
    newest = { at = tonumber(at), held = tonumber(atHeld), settled = tonumber(atSettled) },
  }
end

local function writeSlide(slide)
  local newest = slide.newest
  if not newest then return "" end
  return format("%d %d %d %d %d %d", slide.held, slide.settled, slide.first, newest.at, newest.held, newest.settled) .. slide.rest
end

-- One bucket after the other, oldest first, the newest last.
local function buckets(slide)
  local older = gmatch(slide.rest, ";(%S+) (%S+) ([^;]+)")
  local isDone = not slide.newest
  return function()
    local at, held, settled = older()
    if at then return tonumber(at), tonumber(held), tonumber(settled) end
    if isDone then return nil end
    isDone = true
    return slide.newest.at, slide.newest.held, slide.newest.settled
  end
end

local function dropOld(slide, bucket)
  for at, held, settled in buckets(slide) do
    slide.first = at
    if at >= bucket - ${subBuckets} then return end
    slide.held, slide.settled = slide.held - held, slide.settled - settled
    if slide.rest == "" then slide.newest = nil else slide.rest = match(slide.rest, "^;[^;]+(.*)$") end
  end
end

local function addTo(slide, bucket, held, settled)
  bucket.held, bucket.settled = bucket.held + held, bucket.settled + settled
  slide.held, slide.settled = slide.held + held, slide.settled + settled
end

local function bookSlide(slide, bucket, held, settled)
  if slide.newest and slide.first < bucket - ${subBuckets} then dropOld(slide, bucket) end
  local newest = slide.newest
  if not newest then slide.first = bucket end
  if newest and newest.at ~= bucket then slide.rest = slide.rest .. format(";%d %d %d", newest.at, newest.held, newest.settled) end
  if not newest or newest.at ~= bucket then slide.newest = { at = bucket, held = 0, settled = 0 } end
  addTo(slide, slide.newest, held, settled)
end

local function adjustSlide(slide, bucket, held, settled)
  if not slide.newest or bucket < slide.first then return end
  if slide.newest.at == bucket then return addTo(slide, slide.newest, held, settled) end
  local from, to, wasHeld, wasSettled = find(slide.rest, format(";%d (%%S+) ([^;]+)", bucket))
  if not from then return end
  local one = { held = tonumber(wasHeld), settled = tonumber(wasSettled) }
  addTo(slide, one, held, settled)
  slide.rest = sub(slide.rest, 1, from - 1) .. format(";%d %d %d", bucket, one.held, one.settled) .. sub(slide.rest, to + 1)
end

local function useOfSlide(slide, bucket)
  local held, settled = slide.held, slide.settled
  if not slide.newest or slide.first >= bucket - ${subBuckets} then return held, settled end
  for at, oldHeld, oldSettled in buckets(slide) do
    if at >= bucket - ${subBuckets} then break end
    held, settled = held - oldHeld, settled - oldSettled
  end
  return held, settled
end

local function bucketThatFrees(slide, bucket, amount)
  local freed, last = 0, nil
  for at, held, settled in buckets(slide) do
    if freed >= amount then break end
    if at >= bucket - ${subBuckets} and held + settled > 0 then freed, last = freed + held + settled, at end
  end
  return last
end

local function readUse(held, settled) return { held = tonumber(held), settled = tonumber(settled) } end

local function readBooks(text)
  local open, day, requests, requestsSettled, tokens, tokensSettled, month, monthTokens, monthTokensSettled, cost, costSettled, minute, hour, tokensMinute = match(
    text or "0 0 0 0 0 0 0 0 0 0 0|||", "^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) ([^|]+)|([^|]*)|([^|]*)|([^|]*)$"
  )
  return {
    open = tonumber(open),
    day = tonumber(day), dayRequests = readUse(requests, requestsSettled), dayTokens = readUse(tokens, tokensSettled),
    month = tonumber(month), monthTokens = readUse(monthTokens, monthTokensSettled), monthCost = readUse(cost, costSettled),
    minute = readSlide(minute), hour = readSlide(hour), tokens = readSlide(tokensMinute),
  }
end

local function writeBooks(books)
  local requests, tokens, monthTokens, cost = books.dayRequests, books.dayTokens, books.monthTokens, books.monthCost
  local head = format(
    "%d %d %d %d %d %d %d %d %d %d %d|", books.open, books.day, requests.held, requests.settled, tokens.held, tokens.settled,
    books.month, monthTokens.held, monthTokens.settled, cost.held, cost.settled
  )
  return head .. writeSlide(books.minute) .. "|" .. writeSlide(books.hour) .. "|" .. writeSlide(books.tokens)
end

local windowNames = {
  "requestsPerMinute", "requestsPerHour", "concurrency", "tokensPerMinute", "requestsPerDay", "tokensPerDay", "tokensPerMonth", "costMicrosPerMonth",
}
local slideOf = { requestsPerMinute = "minute", requestsPerHour = "hour", tokensPerMinute = "tokens" }
local widthOf = { requestsPerMinute = minuteMs, requestsPerHour = hourMs, tokensPerMinute = minuteMs }
local dailyOf = { requestsPerDay = "dayRequests", tokensPerDay = "dayTokens" }
local monthlyOf = { tokensPerMonth = "monthTokens", costMicrosPerMonth = "monthCost" }

local function useOf(books, window, atMs)
  local width = widthOf[window]
  if width then return useOfSlide(books[slideOf[window]], floor(atMs / width)) end
  if window == "concurrency" then return books.open, 0 end
  local name = dailyOf[window]
  local isCurrent
  if name then
    isCurrent = books.day == dayOf(atMs)
  else
    name, isCurrent = monthlyOf[window], books.month == monthOf(atMs)
  end
  if not isCurrent then return 0, 0 end
  return books[name].held, books[name].settled
end

local function countsUntilMs(window, atMs)
  local width = widthOf[window]
  if width then return bucketEnd(floor(atMs / width), width) end
  if window == "concurrency" then return nil end
  return dailyOf[window] and nextDayMs(atMs) or nextMonthMs(atMs)
end

local function freesAtMs(books, window, atMs, amount)
  local width = widthOf[window]
  if not width then return countsUntilMs(window, atMs) or atMs end
  local bucket = bucketThatFrees(books[slideOf[window]], floor(atMs / width), amount)
  return bucket and bucketEnd(bucket, width) or atMs
end

local function costMicros(price, promptTokens, completionTokens)
  return ceil((price.prompt * promptTokens + price.completion * completionTokens) / 1000000)
end

local function tokensHeld(hold) return hold.promptTokens + hold.choices * hold.completionTokens end

local function costHeld(hold) return costMicros(hold.price, hold.promptTokens, hold.choices * hold.completionTokens) end

local function add(use, held, settled) use.held, use.settled = use.held + held, use.settled + settled end

local function bookHold(books, hold)
  local atMs, tokens = hold.admittedAtMs, tokensHeld(hold)
  local minute = floor(atMs / minuteMs)
  bookSlide(books.minute, minute, 0, 1)
  bookSlide(books.hour, floor(atMs / hourMs), 0, 1)
  bookSlide(books.tokens, minute, tokens, 0)
  books.open = books.open + 1
  if books.day ~= dayOf(atMs) then
    books.day, books.dayRequests, books.dayTokens = dayOf(atMs), { held = 0, settled = 0 }, { held = 0, settled = 0 }
  end
  if books.month ~= monthOf(atMs) then
    books.month, books.monthTokens, books.monthCost = monthOf(atMs), { held = 0, settled = 0 }, { held = 0, settled = 0 }
  end
  add(books.dayRequests, 1, 0)
  add(books.dayTokens, tokens, 0)
  add(books.monthTokens, tokens, 0)
  add(books.monthCost, costHeld(hold), 0)
end

local function bookClosing(books, hold, ending, charged, cost)
  local isLate = ending == "adjusted"
  local held = isLate and 0 or -tokensHeld(hold)
  local settled = charged.promptTokens + charged.completionTokens
  adjustSlide(books.tokens, floor(hold.admittedAtMs / minuteMs), held, settled)
  if not isLate then books.open = books.open - 1 end
  if books.day == dayOf(hold.admittedAtMs) then
    add(books.dayTokens, held, settled)
    if not isLate then add(books.dayRequests, -1, ending == "released" and 0 or 1) end
  end
  if books.month == monthOf(hold.admittedAtMs) then
    add(books.monthTokens, held, settled)
    add(books.monthCost, isLate and 0 or -costHeld(hold), cost)
  end
end
`;

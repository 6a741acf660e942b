-- Time, sliding windows and counters: the twins of ledger/windows.ts and ledger/counters.ts. Numbers are doubles as in
-- JavaScript. They become text by "%d" (64 bits) only, since Lua's own tostring and cjson keep 14 digits. The counters
-- of an owner are one line of text: the newest bucket of each sliding window is parsed, the older ones stay text.
local dayMs = 86400000

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

local function bucketEnd(bucket, widthMs) return (bucket + SUB_BUCKETS + 1) * widthMs end

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
    if at >= bucket - SUB_BUCKETS then return end
    sliding.held, sliding.settled = sliding.held - held, sliding.settled - settled
    if sliding.rest == "" then sliding.newest = nil else sliding.rest = match(sliding.rest, "^;[^;]+(.*)$") end
  end
end

local function addTo(sliding, bucket, held, settled)
  bucket.held, bucket.settled = bucket.held + held, bucket.settled + settled
  sliding.held, sliding.settled = sliding.held + held, sliding.settled + settled
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

-- A bucket older than the newest: a lease was booked ahead of now.
local function insertOlder(sliding, bucket)
  local entry, place = format(";%d 0 0", bucket), #sliding.rest + 1
  for from, at in gmatch(sliding.rest, "();(%S+)") do
    at = tonumber(at)
    if at == bucket then return end
    if at > bucket then
      place = from
      break
    end
  end
  sliding.rest = sub(sliding.rest, 1, place - 1) .. entry .. sub(sliding.rest, place)
  sliding.first = min(sliding.first, bucket)
end

-- "current" is the bucket of now; "bucket" may lie ahead of it.
local function addToSliding(sliding, bucket, current, held, settled)
  if sliding.newest and sliding.first < current - SUB_BUCKETS then dropOld(sliding, current) end
  local newest = sliding.newest
  if newest and bucket < newest.at then
    insertOlder(sliding, bucket)
    return adjustSliding(sliding, bucket, held, settled)
  end
  if not newest then sliding.first = bucket end
  if newest and newest.at ~= bucket then
    sliding.rest = sliding.rest .. format(";%d %d %d", newest.at, newest.held, newest.settled)
  end
  if not newest or newest.at ~= bucket then sliding.newest = { at = bucket, held = 0, settled = 0 } end
  addTo(sliding, sliding.newest, held, settled)
end

local function readSliding(sliding, bucket)
  local held, settled = sliding.held, sliding.settled
  if not sliding.newest or sliding.first >= bucket - SUB_BUCKETS then return held, settled end
  for at, oldHeld, oldSettled in buckets(sliding) do
    if at >= bucket - SUB_BUCKETS then break end
    held, settled = held - oldHeld, settled - oldSettled
  end
  return held, settled
end

local function findFreeingBucket(sliding, bucket, amount)
  local freed, last = 0, nil
  for at, held, settled in buckets(sliding) do
    if freed >= amount then break end
    if at >= bucket - SUB_BUCKETS and held + settled > 0 then freed, last = freed + held + settled, at end
  end
  return last
end

local function parseUse(held, settled) return { held = tonumber(held), settled = tonumber(settled) } end

local windowNames, unitByWindow = WINDOW_NAMES, UNIT_BY_WINDOW
-- Where a window is counted; concurrency is in "open", and has neither a field nor a period.
local fieldByWindow, periodByWindow = FIELD_BY_WINDOW, PERIOD_BY_WINDOW
local bucketMsByWindow = BUCKET_MS_BY_WINDOW
local slidingFields, periods, fieldsByPeriod = SLIDING_FIELDS, PERIODS, FIELDS_BY_PERIOD
local toPeriod = { day = toDay, month = toMonth }

local function readCounters(text)
  local part, n = { match(text or EMPTY_COUNTERS, COUNTERS_PATTERN) }, 1
  local counters = { open = tonumber(part[1]) }
  for _, period in ipairs(periods) do
    n = n + 1
    counters[period] = tonumber(part[n])
    for _, field in ipairs(fieldsByPeriod[period]) do
      counters[field] = parseUse(part[n + 1], part[n + 2])
      n = n + 2
    end
  end
  for i, field in ipairs(slidingFields) do counters[field] = parseSliding(part[n + i]) end
  return counters
end

local function writeCounters(counters)
  local part = { counters.open }
  for _, period in ipairs(periods) do
    part[#part + 1] = counters[period]
    for _, field in ipairs(fieldsByPeriod[period]) do
      local use = counters[field]
      part[#part + 1] = use.held
      part[#part + 1] = use.settled
    end
  end
  local line = format(COUNTERS_FORMAT, unpack(part))
  for _, field in ipairs(slidingFields) do line = line .. "|" .. writeSliding(counters[field]) end
  return line
end

local function readUse(counters, window, atMs)
  local width, period = bucketMsByWindow[window], periodByWindow[window]
  if width then return readSliding(counters[fieldByWindow[window]], floor(atMs / width)) end
  if not period then return counters.open, 0 end
  if counters[period] ~= toPeriod[period](atMs) then return 0, 0 end
  local use = counters[fieldByWindow[window]]
  return use.held, use.settled
end

local function countsUntilMs(window, atMs)
  local width, period = bucketMsByWindow[window], periodByWindow[window]
  if width then return bucketEnd(floor(atMs / width), width) end
  if not period then return nil end
  return period == "day" and nextDayMs(atMs) or nextMonthMs(atMs)
end

local function freesAtMs(counters, window, atMs, amount)
  local width = bucketMsByWindow[window]
  if not width then return countsUntilMs(window, atMs) or atMs end
  local bucket = findFreeingBucket(counters[fieldByWindow[window]], floor(atMs / width), amount)
  return bucket and bucketEnd(bucket, width) or atMs
end

-- Cached tokens that cost less stand behind the price of completions.
local function readPrice(prompt, rest)
  local completion, cached = match(rest, "^(%S+) ?(%S*)$")
  local full = tonumber(prompt)
  return { prompt = full, completion = tonumber(completion), cached = tonumber(cached) or full }
end

local function costMicros(price, promptTokens, completionTokens, cachedTokens)
  local saved = (price.prompt - price.cached) * (cachedTokens or 0)
  return ceil((price.prompt * promptTokens + price.completion * completionTokens - saved) / 1000000)
end

local function costUsage(price, usage)
  return costMicros(price, usage.promptTokens, usage.completionTokens, usage.cachedTokens)
end

local function tokensHeld(hold) return hold.promptTokens + hold.choices * hold.completionTokens end

local function costHeld(hold) return costMicros(hold.price, hold.promptTokens, hold.choices * hold.completionTokens) end

local function add(use, held, settled) use.held, use.settled = use.held + held, use.settled + settled end

-- Begins the day and the month of a booking, unless they have begun.
local function turnCalendar(counters, atMs)
  for _, period in ipairs(periods) do
    local current = toPeriod[period](atMs)
    if counters[period] ~= current then
      counters[period] = current
      for _, field in ipairs(fieldsByPeriod[period]) do counters[field] = { held = 0, settled = 0 } end
    end
  end
end

-- Counts what is new, at a time that may lie ahead of now. "attempts" is for the sliding windows of requests.
local function countNew(counters, currentMs, atMs, attempts, held)
  turnCalendar(counters, atMs)
  counters.open = counters.open + held.calls
  for _, window in ipairs(windowNames) do
    local unit, width, field = unitByWindow[window], bucketMsByWindow[window], fieldByWindow[window]
    if width then
      local more, spent = held[unit], 0
      if unit == "requests" then more, spent = 0, attempts end
      addToSliding(counters[field], floor(atMs / width), floor(currentMs / width), more, spent)
    elseif field then
      add(counters[field], held[unit], 0)
    end
  end
end

-- Changes what was counted at a time; what does not count any more stays as it is.
local function countChange(counters, atMs, attempts, held, settled)
  counters.open = counters.open + held.calls
  for _, window in ipairs(windowNames) do
    local unit, width, field = unitByWindow[window], bucketMsByWindow[window], fieldByWindow[window]
    local period = periodByWindow[window]
    if width and unit ~= "requests" then
      adjustSliding(counters[field], floor(atMs / width), held[unit], settled[unit])
    elseif width and attempts ~= 0 then
      adjustSliding(counters[field], floor(atMs / width), 0, attempts)
    elseif period and counters[period] == toPeriod[period](atMs) then
      add(counters[field], held[unit], settled[unit])
    end
  end
end

local function countHold(counters, hold)
  local held = { requests = 1, calls = 1, tokens = tokensHeld(hold), money = costHeld(hold) }
  countNew(counters, hold.admittedAtMs, hold.admittedAtMs, 1, held)
end

-- What comes late has no hold to take back: expiry did that, and counted its request.
local function countClosing(counters, hold, ending, charged, cost)
  local isLate = ending == "adjusted"
  local held = { requests = 0, calls = 0, tokens = 0, money = 0 }
  if not isLate then held = { requests = -1, calls = -1, tokens = -tokensHeld(hold), money = -costHeld(hold) } end
  local settled = {
    requests = (isLate or ending == "released") and 0 or 1,
    tokens = charged.promptTokens + charged.completionTokens, money = cost,
  }
  countChange(counters, hold.bookedAtMs, 0, held, settled)
end

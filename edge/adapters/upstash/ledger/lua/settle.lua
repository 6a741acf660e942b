-- How holds end: twin of ledger/settle.ts, body of a function (assemble.ts). Every end that costs writes its
-- line of the bill into the outbox, in the same script.
local nothing = readUsage(NO_USAGE)

local function bill(id, hold, ending, charged, cost, endedAtMs, ttftMs)
  local counts = {}
  for i, name in ipairs(countColumns) do counts[i] = ',"' .. name .. '":' .. int(charged[name]) end
  local row = concat({
    '{"id":"', id, '",', hold.bill, ',"end":"', ending, '","responseId":', charged.responseId, concat(counts),
    ',"costMicros":', int(cost), ',"admittedAtMs":', int(hold.admittedAtMs),
    ',"endedAtMs":', int(min(max(endedAtMs, hold.admittedAtMs), atMsNow())),
    ',"ttftMs":', ttftMs or "null", "}",
  })
  write("XADD", OUTBOX, "*", "row", row)
end

local function close(hold, ending, charged, endedAtMs, ttftMs)
  local cost = costUsage(hold.price, charged)
  for _, counters in ipairs(loadCountersFor(hold)) do countClosing(counters, hold, ending, charged, cost) end
  holdsBy[hold.id], endsBy[hold.id], hasEnds = false, true, true
  write("HDEL", HOLDS, hold.id)
  write("ZREM", OPEN, makeMember(hold))
  write("ZADD", ENDS, int(atMsNow()), hold.id)
  if ending == "expired" then saveLate(hold, charged, cost) end
  if ending ~= "released" then bill(hold.id, hold, ending, charged, cost, endedAtMs, ttftMs) end
  local again = hold.again ~= "" and findAgain(hold.again)
  if again and again.hold == hold.id then
    if ending == "released" then
      forgetAgain(hold.again)
    else
      again.first = charged
      saveAgain(hold.again, again)
    end
  end
  stateAtMs = atMsNow()
end

local function raiseUsage(hold, known, reported)
  local promptTokens = max(known and known.promptTokens or 0, min(reported.promptTokens, hold.promptTokens))
  local cachedTokens = max(known and known.cachedTokens or 0, min(reported.cachedTokens, promptTokens))
  local completionHeld = hold.choices * hold.completionTokens
  local completionTokens = max(known and known.completionTokens or 0, min(reported.completionTokens, completionHeld))
  local responseId = reported.responseId
  if responseId == "null" and known then responseId = known.responseId end
  return {
    promptTokens = promptTokens, cachedTokens = cachedTokens, completionTokens = completionTokens,
    units = max(known and known.units or 0, reported.units), responseId = responseId,
  }
end

-- Prompt tokens beyond what was held: at most the hold again, and none where the price would no longer be exact.
local function countOver(hold, reported)
  local over = min(reported.promptTokens - hold.promptTokens, tokensHeld(hold))
  if over <= 0 then return 0 end
  local cost = hold.price.prompt * (hold.promptTokens + over)
  cost = cost + hold.price.completion * hold.choices * hold.completionTokens
  return cost <= MAX_SAFE and over or 0
end

-- The line for the rest, which costs the price of the whole less what was charged.
local function adjust(hold, whole, charged, endedAtMs)
  local rest = { responseId = whole.responseId }
  for _, name in ipairs(countColumns) do rest[name] = whole[name] - charged[name] end
  local cost = costUsage(hold.price, whole) - costUsage(hold.price, charged)
  for _, counters in ipairs(loadCountersFor(hold, true)) do countClosing(counters, hold, "adjusted", rest, cost) end
  bill(hold.id .. ":late", hold, "adjusted", rest, cost, endedAtMs)
  stateAtMs = atMsNow()
end

local function addOver(usage, over)
  local whole = { responseId = usage.responseId }
  for _, name in ipairs(countColumns) do whole[name] = usage[name] end
  whole.promptTokens = whole.promptTokens + over
  return whole
end

local function settleLate(id, isLastWord, reported, endedAtMs)
  if not isEnded(id) then return "unknown" end
  local late = findLate(id)
  if not late or not isLastWord then return "repeated" end
  local over = countOver(late.hold, reported)
  adjust(late.hold, addOver(raiseUsage(late.hold, late.charged, reported), over), late.charged, endedAtMs)
  latesBy[id] = false
  write("HDEL", LATE, id)
  return over > 0 and "over_hold" or "adjusted"
end

-- A call whose lease is gone: it is booked as what comes late is, unless it may have been booked before.
local function settleSwept(hold, isLastWord, reported, endedAtMs)
  if not isLastWord or hold.admittedAtMs <= atMsNow() - ENDED_RETENTION_MS then return "unknown" end
  adjust(hold, raiseUsage(hold, nil, reported), nothing, endedAtMs)
  endsBy[hold.id], hasEnds = true, true
  write("ZADD", ENDS, int(atMsNow()), hold.id)
  return "adjusted"
end

local function settleOne(id, isFinal, outcome, reported, endedAtMs, ttftMs, terms)
  local hold, isFresh = findHold(id), false
  local isLastWord = isFinal or outcome == "cancelled"
  if not hold and (terms == "" or isEnded(id)) then return settleLate(id, isLastWord, reported, endedAtMs) end
  if not hold then
    local late
    hold, late = leasing().open(id, terms)
    if not hold then return settleSwept(late, isLastWord, reported, endedAtMs) end
    isFresh = true
  end
  local usage = raiseUsage(hold, hold.checkpoint, reported)
  if isFinal then
    close(hold, outcome, usage, endedAtMs, ttftMs)
    local over = countOver(hold, reported)
    if over == 0 then return "settled" end
    adjust(hold, addOver(usage, over), usage, endedAtMs)
    return "over_hold"
  end
  hold.checkpoint = usage
  if isFresh then saveOpen(hold) else saveHold(hold) end
  return "checkpointed"
end

-- The arguments of a record: hold, final, outcome, the counts of tokens, response id, end, ms to
-- the first token (or null), terms of a lease or none.
local function settle()
  local reply = {}
  local counts = #countColumns
  for i = 3, #ARGV, counts + 7 do
    local reported = { responseId = ARGV[i + 3 + counts] }
    for at, name in ipairs(countColumns) do reported[name] = tonumber(ARGV[i + 2 + at]) end
    local endedAtMs = tonumber(ARGV[i + 4 + counts])
    local ttftMs, terms = ARGV[i + 5 + counts], ARGV[i + 6 + counts]
    reply[#reply + 1] = settleOne(ARGV[i], ARGV[i + 1] == "1", ARGV[i + 2], reported, endedAtMs, ttftMs, terms)
  end
  return { rowsWaiting(), reply }
end

local function release()
  local hold = findHold(ARGV[3])
  if not hold and ARGV[5] ~= "" and not isEnded(ARGV[3]) then hold = leasing().open(ARGV[3], ARGV[5]) end
  if not hold then return isEnded(ARGV[3]) and "repeated" or "unknown" end
  if ARGV[4] == "1" then
    hold.expiresAtMs = min(hold.expiresAtMs, atMsNow() + ABANDON_MS)
    saveOpen(hold)
    return "checkpointed"
  end
  if hold.checkpoint and hold.checkpoint.completionTokens > 0 then
    close(hold, "failed", hold.checkpoint, now)
    return "settled"
  end
  close(hold, "released", nothing, now)
  return "released"
end

return { nothing = nothing, close = close, settle = settle, release = release }

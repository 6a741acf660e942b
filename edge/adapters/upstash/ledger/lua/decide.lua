-- May this call run? The twin of ledger/limits.ts and ledger/decide.ts, and the body of a function (assemble.ts). It
-- only reads; "admit" books the hold as its last step.
local function hasLimits(record)
  for _, window in ipairs(windowNames) do
    if limitIn(record.limits, window) then return true end
  end
  return false
end

local function addChecks(checks, of, limits, owner, atMs)
  for _, window in ipairs(windowNames) do
    local limit = limitIn(limits, window)
    if limit then
      local counters = loadCounters(owner)
      local held, settled = readUse(counters, window, atMs)
      checks[#checks + 1] = {
        of = of, window = window, unit = unitByWindow[window], limit = limit, held = held, settled = settled,
        remaining = max(0, limit - held - settled), counters = counters, atMs = atMs,
      }
    end
  end
end

local function listChecks(key, project, org, atMs)
  local checks = {}
  addChecks(checks, "key", key.limits, findOwner(key), atMs)
  if project then addChecks(checks, "project", project.limits, project.id, atMs) end
  addChecks(checks, "org", org.limits, "org", atMs)
  return checks
end

local function readNeed(check, hold)
  if check.unit == "tokens" then return tokensHeld(hold) end
  return check.unit == "money" and costHeld(hold) or 1
end

local function roomAtMs(check, amount)
  local excess = check.held + check.settled + amount - check.limit
  return freesAtMs(check.counters, check.window, check.atMs, excess)
end

-- Deadlines as they stand in OPEN. The range leaves out what this script has just expired.
local function slotAtMs(check, hold)
  local skip = max(0, check.counters.open - check.limit)
  if check.of == "org" then
    local found = call("ZRANGEBYSCORE", OPEN, "(" .. int(check.atMs), "+inf", "WITHSCORES", "LIMIT", int(skip), 1)
    return tonumber(found[2] or check.atMs)
  end
  local open = call("ZRANGEBYSCORE", OPEN, "(" .. int(check.atMs), "+inf", "WITHSCORES")
  for i = 1, #open, 2 do
    local owner, project = readMember(open[i])
    local isCounted = owner == hold.owner
    if check.of == "project" then isCounted = project == hold.project end
    if isCounted then
      if skip == 0 then return tonumber(open[i + 1]) end
      skip = skip - 1
    end
  end
  return check.atMs
end

local function endsWithCalls(check, need)
  if check.unit == "calls" then return true end
  return periodByWindow[check.window] and check.unit ~= "requests" and check.settled + need <= check.limit
end

local function exceed(check, need, opensAtMs)
  local waitMs = max(1, opensAtMs - now)
  if endsWithCalls(check, need) then waitMs = min(waitMs, 1000) end
  return { check = check, need = need, opensAtMs = opensAtMs, waitMs = waitMs }
end

local function findExceeded(checks, hold)
  local exceeded = nil
  for _, check in ipairs(checks) do
    local need = readNeed(check, hold)
    if need > check.remaining then
      if need > check.limit then
        return exceed(check, need, countsUntilMs(check.window, check.atMs) or hold.expiresAtMs)
      end
      local opensAtMs = check.unit == "calls" and slotAtMs(check, hold) or roomAtMs(check, need)
      -- A slot that is set aside is somebody's in a moment: who comes later waits as for a call to end.
      if check.isSetAside then opensAtMs = max(opensAtMs, now + 1000) end
      local one = exceed(check, need, opensAtMs)
      if not exceeded or one.waitMs > exceeded.waitMs then exceeded = one end
    end
  end
  return exceeded
end

local function countAffordableTokens(remaining, request, completion)
  if costMicros(request.price, request.promptTokens, completion) <= remaining then return huge end
  local afterPrompt = remaining * 1000000 - request.price.prompt * request.promptTokens
  if afterPrompt < 0 then return floor(remaining * 1000000 / request.price.prompt) end
  return request.promptTokens + floor(afterPrompt / request.price.completion)
end

local function countFittingTokens(checks, request)
  local completion = request.choices * request.completionTokens
  local fitting = 9007199254740991
  for _, check in ipairs(checks) do
    if check.unit == "tokens" then fitting = min(fitting, check.remaining) end
    if check.unit == "money" then
      fitting = min(fitting, countAffordableTokens(check.remaining, request, completion))
    end
  end
  return fitting
end

local function clampCompletion(checks, request)
  if request.choices == 0 then return request.completionTokens end
  local fitting = floor((countFittingTokens(checks, request) - request.promptTokens) / request.choices)
  return fitting < 1 and request.completionTokens or min(request.completionTokens, fitting)
end

local function fullAtMs(check, hold)
  if hold and (check.unit ~= "tokens" or tokensHeld(hold) > 0) then return countsUntilMs(check.window, check.atMs) end
  if check.held + check.settled == 0 then return nil end
  return freesAtMs(check.counters, check.window, check.atMs, huge)
end

-- Appends limit, remaining and ms until full again of the narrowest window; three times false without a limit.
local function report(reply, checks, unit, hold)
  local found, remaining = nil, huge
  for _, check in ipairs(checks) do
    local left = check.remaining - (hold and check.unit == unit and readNeed(check, hold) or 0)
    if check.unit == unit and left < remaining then found, remaining = check, left end
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = false, false, false
  if found then
    reply[n + 1], reply[n + 2], reply[n + 3] = found.limit, remaining, (fullAtMs(found, hold) or now) - now
  end
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

-- The record of the key in force, its text, its org and its project, else nil and why not. ARGV from FROM on: token,
-- then kid, digest, kid, digest. The edge has verified a client token, so it stands for the key; its two digits say
-- whether it allows the endpoint and the model.
local function findKeyInForce(id, ip, from)
  local records = call("HMGET", RECORDS, id, "org")
  local key, text = decode(records[1])
  local isProven = (ARGV[from] or "") ~= ""
  for i = from + 1, #ARGV, 2 do
    if key and ARGV[i] == key.pepperKid and ARGV[i + 1] == key.digest then isProven = true end
  end
  if not key or not isProven or key.isRevoked then return nil, "key" end
  if type(key.expiresAtMs) == "number" and key.expiresAtMs <= atMsNow() then return nil, "key" end
  local org = decode(records[2])
  if not org or org.isSuspended then return nil, "key" end
  local project = key.project and readRecord(key.project)
  if key.project and not project then return nil, "key" end
  if type(key.ipRanges) == "table" then
    local isInside = false
    for _, range in ipairs(key.ipRanges) do
      if ip ~= "" and upTo(range.from, ip) and upTo(ip, range.to) then isInside = true end
    end
    if not isInside then return nil, "ip" end
  end
  if project and project.isArchived then return nil, "project" end
  return key, text, org, project
end

local function checkRepeat(request)
  local earlier = request.again ~= "" and findAgain(request.again)
  if not earlier or atMsNow() >= earlier.admittedAtMs + IDEMPOTENCY_MS then return nil end
  if earlier.body ~= request.body then return { "denial", "idempotency_mismatch" } end
  if not earlier.first then return { "denial", "idempotency_in_progress", 1000 } end
  local first = earlier.first
  return {
    "denial", "idempotency_replayed", earlier.hold, first.responseId, first.promptTokens, first.completionTokens,
  }
end

local function makeDenial(exceeded, checks, request)
  local check = exceeded.check
  local window = check.window
  local reason = "quota"
  if check.unit == "calls" then
    reason = "concurrency"
  elseif bucketMsByWindow[window] then
    reason = "rate"
  end
  local isCounted = check.unit == "tokens" or check.unit == "money"
  local fitting = isCounted and countFittingTokens(checks, request) or false
  local reply = {
    "denial", reason, window, check.of, check.limit, exceeded.waitMs, exceeded.opensAtMs, fitting,
    exceeded.need, check.held, check.settled,
  }
  report(reply, checks, "requests", nil)
  report(reply, checks, "tokens", nil)
  return reply
end

local function readRequest()
  return {
    id = ARGV[3], key = ARGV[4],
    promptTokens = tonumber(ARGV[8]), completionTokens = tonumber(ARGV[9]), choices = tonumber(ARGV[10]),
    price = readPrice(ARGV[13], ARGV[14]),
    again = ARGV[15], body = ARGV[16], bill = ARGV[17],
  }
end

-- Whether somebody may wait for the end of a call that is admitted now.
local function isUrgent(checks, request)
  if request.again ~= "" then return 1 end
  for _, check in ipairs(checks) do
    if check.unit == "calls" and check.remaining <= 1 then return 1 end
  end
  return 0
end

-- The answer, what the call may wait for if it is a denial, and whether it is a grant.
local function decideCall(request, line)
  local key, text, org, project = findKeyInForce(request.key, ARGV[5], 20)
  if not key then return { "denial", text } end
  if not includes(key.endpoints, ARGV[6]) or sub(ARGV[20], 1, 1) == "0" then return { "denial", "endpoint" } end
  if not includes(key.models, ARGV[7]) or sub(ARGV[20], 2, 2) == "0" then return { "denial", "model" } end
  request.project = key.project
  local again = checkRepeat(request)
  if again then return again, line and line.planRepeat(again) end
  local atMs = atMsNow()
  local owner, checks = findOwner(key), listChecks(key, project, org, atMs)
  if line then line.setAside(request, checks) end
  local hold = {}
  for name, value in pairs(request) do hold[name] = value end
  if ARGV[11] == "1" then hold.completionTokens = clampCompletion(checks, request) end
  hold.owner, hold.isKeyBooked = owner, hasLimits(key)
  hold.admittedAtMs, hold.expiresAtMs = atMs, atMs + tonumber(ARGV[12])
  local exceeded = findExceeded(checks, hold)
  if exceeded then return makeDenial(exceeded, checks, request), line and line.plan(checks, hold, readNeed) end
  if findHold(request.id) or isEnded(request.id) then return redis.error_reply("HELD this hold was given before") end
  local words = {
    owner, hold.isKeyBooked and "1" or "0", ARGV[8], int(hold.completionTokens), ARGV[10],
    ARGV[13], ARGV[14], int(atMs), request.again, request.bill, owner ~= request.key and request.key or nil,
  }
  if hold.project then words[11], words[12], words[13] = request.key, int(atMs), hold.project end
  hold.text = concat(words, "\n")
  local reply = { "grant", tokensHeld(hold), hold.completionTokens, hold.expiresAtMs, isUrgent(checks, request) }
  report(reply, checks, "requests", hold)
  report(reply, checks, "tokens", hold)
  for _, counters in ipairs(loadCountersFor(hold)) do countHold(counters, hold) end
  saveOpen(hold)
  if request.again ~= "" then
    saveAgain(request.again, { hold = request.id, admittedAtMs = atMs, body = request.body })
  end
  stateAtMs = atMs
  if ARGV[18] ~= "" then
    leasing().grant(reply, key, text, hold.isKeyBooked, ARGV[18], listChecks(key, project, org, atMs))
  end
  return reply, nil, true
end

-- Who may wait says so in ARGV[19]: for a slot, and in all, in ms; at the end of their time "end".
local function admit()
  local request = readRequest()
  local line = (isAwaited or ARGV[19] ~= "") and waiting() or nil
  local reply, wait, isGranted = decideCall(request, line)
  if wait then return line.wait(request, wait.ms, wait.lacks, reply) end
  if line then line.leave(request.id, isGranted) end
  return reply
end

-- Twin of LedgerCore.lease: the rates of the moment, and what a lease may have of each window.
local function lease()
  local key, text, org, project = findKeyInForce(ARGV[3], ARGV[4], 6)
  if not key then return { "none" } end
  local reply, checks = { "lease" }, listChecks(key, project, org, atMsNow())
  report(reply, checks, "requests", nil)
  report(reply, checks, "tokens", nil)
  return leasing().grant(reply, key, text, hasLimits(key), ARGV[5], checks) and reply or { "none" }
end

local function introspect()
  local key, text = findKeyInForce(ARGV[3], ARGV[4], 5)
  if not key then return { "denial", text } end
  return { "scopes", text }
end

return { admit = admit, lease = lease, introspect = introspect }

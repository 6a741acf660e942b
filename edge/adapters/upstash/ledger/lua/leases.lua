-- What isolates may admit by themselves: twin of ledger/leases/lease.ts, body of a function (assemble.ts). A lease is a
-- line of words: key, owner of its counters, whether it is booked to the key; calls, tokens and money as granted and as
-- left; when it was given, when it ends, its deadline; whether it is closed; its project, if it has one.
local leasesBy, gone = {}, 0
local parts = { "calls", "tokens", "costMicros" }

local function readLease(id, text)
  local word = {}
  for each in gmatch(text, "%S+") do word[#word + 1] = each end
  local lease = {
    id = id, key = word[1], owner = word[2], isKeyBooked = word[3] == "1", granted = {}, left = {},
    grantedAtMs = tonumber(word[10]), endsAtMs = tonumber(word[11]), deadlineMs = tonumber(word[12]),
    isClosed = word[13] == "1", project = word[14],
  }
  for i, part in ipairs(parts) do
    lease.granted[part], lease.left[part] = tonumber(word[i + 3]), tonumber(word[i + 6])
  end
  return lease
end

local function findLease(id)
  if leasesBy[id] == nil then
    local text = call("HGET", LEASES, id)
    leasesBy[id] = text and readLease(id, text) or false
  end
  return leasesBy[id]
end

local function listLeases()
  local all = {}
  for _, id in ipairs(call("HKEYS", LEASES)) do all[#all + 1] = findLease(id) or nil end
  return all
end

-- Forgotten when it is closed and nothing of it is left.
local function saveLease(lease)
  local isEmpty, words = lease.isClosed, { lease.key, lease.owner, lease.isKeyBooked and "1" or "0" }
  for i, part in ipairs(parts) do
    if lease.left[part] ~= 0 then isEmpty = false end
    words[i + 3], words[i + 6] = int(lease.granted[part]), int(lease.left[part])
  end
  if isEmpty then
    leasesBy[lease.id], gone = false, gone + 1
    return write("HDEL", LEASES, lease.id)
  end
  words[10], words[11], words[12] = int(lease.grantedAtMs), int(lease.endsAtMs), int(lease.deadlineMs)
  words[13], words[14] = lease.isClosed and "1" or "0", lease.project
  leasesBy[lease.id] = lease
  write("HSET", LEASES, lease.id, concat(words, " "))
end

local function toHeld(amounts, sign)
  local calls = sign * amounts.calls
  return { requests = calls, calls = calls, tokens = sign * amounts.tokens, money = sign * amounts.costMicros }
end

-- Part of a lease goes back. Of its calls so many requests were made, and nobody will settle them any more.
local function giveBack(lease, back, attempts, requests)
  local settled = { requests = requests, tokens = 0, money = 0 }
  for _, counters in ipairs(loadCountersFor(lease)) do
    countChange(counters, lease.endsAtMs, -attempts, toHeld(back, -1), settled)
  end
  lease.isClosed = true
  for _, part in ipairs(parts) do lease.left[part] = lease.left[part] - back[part] end
  saveLease(lease)
  stateAtMs = atMsNow()
end

-- As much as was asked for, but a sixteenth at most of what each window has left; nil for no lease.
local function plan(key, wish, checks, endsAtMs)
  if findLease(wish.id) or wish.calls < LEASE_CALLS_MIN or call("HLEN", LEASES) - gone >= LEASES_MAX then return nil end
  if toDay(endsAtMs) ~= toDay(atMsNow()) then return nil end
  if type(key.expiresAtMs) == "number" and endsAtMs > key.expiresAtMs then return nil end
  local share = min(1, LEASE_CALLS_MAX / wish.calls)
  local wanted = toHeld(wish, 1)
  for _, check in ipairs(checks) do
    local want = wanted[check.unit]
    if want > 0 then share = min(share, check.remaining / LEASE_SHARE / want) end
  end
  local granted, left = {}, {}
  for _, part in ipairs(parts) do
    granted[part] = floor(wish[part] * share)
    left[part] = granted[part]
  end
  if granted.calls >= LEASE_CALLS_MIN then return granted, left end
end

-- Appends the key's record and what the lease grants to the reply; false when there is none.
local function grant(reply, key, text, isKeyBooked, wanted, checks)
  local id, calls, tokens, costMicros, ttlMs, holdMs = match(wanted, "^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$")
  local wish = { id = id, calls = tonumber(calls), tokens = tonumber(tokens), costMicros = tonumber(costMicros) }
  local atMs = atMsNow()
  local endsAtMs = atMs + tonumber(ttlMs) + LEASE_MARGIN_MS
  local granted, left = plan(key, wish, checks, endsAtMs)
  if not granted then return false end
  local lease = {
    id = id, key = key.id, owner = findOwner(key), isKeyBooked = isKeyBooked, granted = granted, left = left,
    grantedAtMs = atMs, endsAtMs = endsAtMs, deadlineMs = endsAtMs + tonumber(holdMs), isClosed = false,
    project = key.project,
  }
  for _, counters in ipairs(loadCountersFor(lease)) do
    countNew(counters, atMs, endsAtMs, granted.calls, toHeld(granted, 1))
  end
  saveLease(lease)
  if not nextLapseMs or lease.deadlineMs < nextLapseMs then
    nextLapseMs = lease.deadlineMs
    write("HSET", COUNTERS, "lapses", int(nextLapseMs))
  end
  stateAtMs = atMs
  reply[#reply + 1] = text
  for _, part in ipairs(parts) do reply[#reply + 1] = granted[part] end
  return true
end

-- A closing that comes twice changes nothing.
local function closeLease()
  local lease = findLease(ARGV[3])
  if not lease or lease.isClosed then return "repeated" end
  local attempts, back = tonumber(ARGV[4]), {}
  local spent = { calls = tonumber(ARGV[5]), tokens = tonumber(ARGV[6]), costMicros = tonumber(ARGV[7]) }
  for _, part in ipairs(parts) do back[part] = min(max(0, lease.granted[part] - spent[part]), lease.left[part]) end
  giveBack(lease, back, max(0, lease.granted.calls - max(attempts, spent.calls)), 0)
  return "closed"
end

-- What is left of leases goes back at their deadline. Calls of a closed one that nobody has settled ran, or may have.
local function sweepLeases()
  nextLapseMs = NEVER_MS
  for _, lease in ipairs(listLeases()) do
    if lease.deadlineMs <= atMsNow() then
      local left = lease.left
      local back = { calls = left.calls, tokens = left.tokens, costMicros = left.costMicros }
      giveBack(lease, back, 0, lease.isClosed and back.calls or 0)
    else
      nextLapseMs = min(nextLapseMs, lease.deadlineMs)
    end
  end
  if nextLapseMs < NEVER_MS then return write("HSET", COUNTERS, "lapses", int(nextLapseMs)) end
  write("HDEL", COUNTERS, "lapses")
end

-- For how long calls may be admitted under leases that were given before a record: of a key its own, of a project those
-- of its keys, of an org all.
local function leasedForMs(record)
  local untilMs = 0
  for _, lease in ipairs(listLeases()) do
    local isConcerned = record == "org" or lease.key == record or lease.project == record
    if isConcerned and not lease.isClosed then untilMs = max(untilMs, lease.endsAtMs) end
  end
  return max(0, untilMs - atMsNow())
end

-- Whether a limit would be kept if all were back that isolates may not have spent; of a key's or a project's limit,
-- what counts there.
local function fits(check, hold, need)
  local part = check.unit == "tokens" and "tokens" or check.unit == "money" and "costMicros" or "calls"
  local back = 0
  for _, lease in ipairs(listLeases()) do
    local isCounted = check.of == "org" or (lease.isKeyBooked and lease.owner == hold.owner)
    if check.of == "project" then isCounted = lease.project == hold.project end
    if isCounted and not lease.isClosed then back = back + lease.left[part] end
  end
  return check.held + check.settled - back + need <= check.limit
end

-- The hold of a call under a lease. It counts where and when the lease does, and its times are bounded by the lease's,
-- if there is one. The terms: lease, deadline, and a hold as it is written.
local function makeHold(id, expiresAtMs, text, lease)
  local line = splitLines(text)
  local admittedAtMs = max(tonumber(line[8]), lease and lease.grantedAtMs or 0)
  admittedAtMs = min(admittedAtMs, lease and lease.endsAtMs or atMsNow())
  local deadlineMs = min(tonumber(expiresAtMs), lease and lease.deadlineMs or NEVER_MS)
  if lease then line[1], line[2], line[13] = lease.owner, lease.isKeyBooked and "1" or "0", lease.project end
  line[8], line[12] = int(admittedAtMs), int(lease and lease.endsAtMs or admittedAtMs)
  return readHold(id, concat(line, "\n") .. "\n" .. int(max(admittedAtMs, deadlineMs)) .. "\n")
end

local function covers(lease, hold)
  local left = lease.left
  local isCovered = lease.key == hold.key and left.calls >= 1
  return isCovered and tokensHeld(hold) <= left.tokens and costHeld(hold) <= left.costMicros
end

-- The hold of a call of which the ledger hears for the first time, taken from its lease; not stored yet. Nil when no
-- lease covers it, and then as it is without one.
local function open(id, terms)
  local leaseId, expiresAtMs, text = match(terms, "^([^\n]*)\n([^\n]*)\n(.*)$")
  local lease = findLease(leaseId)
  local hold = lease and makeHold(id, expiresAtMs, text, lease)
  if not hold or not covers(lease, hold) then return nil, makeHold(id, expiresAtMs, text, nil) end
  local left = lease.left
  left.calls, left.tokens = left.calls - 1, left.tokens - tokensHeld(hold)
  left.costMicros = left.costMicros - costHeld(hold)
  saveLease(lease)
  return hold
end

return {
  grant = grant, closeLease = closeLease, sweepLeases = sweepLeases, leasedForMs = leasedForMs, open = open,
  listLeases = listLeases, fits = fits,
}

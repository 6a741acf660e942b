import { scriptBooks } from "./script-counters.ts";
import { scriptDecide } from "./script-decide.ts";
import { scriptSettle } from "./script-settle.ts";
import { scriptState } from "./script-state.ts";

/**
 * Lua: what is asked for (ARGV[1]), at a time (ARGV[2], Unix ms; empty: by the clock of Redis). All but `look`,
 * `publish` and the two of the outbox first expire what is due.
 */
export const scriptTurns = String.raw`
local function chores()
  local turns = {}

  function turns.publish()
    local known = recordOf(ARGV[3])
    if known and tonumber(ARGV[4]) < known.version then return "ignored" end
    write("HSET", RECORDS, ARGV[3], ARGV[5])
    return "published"
  end

  local function stateOf(owner, window, limit)
    local books, atMs = booksOf(owner), atMsNow()
    local held, settled = useOf(books, window, atMs)
    local resetAtMs = false
    if held + settled > 0 and window ~= "concurrency" then resetAtMs = freesAtMs(books, window, atMs, huge) end
    return { window, owner, limit or false, held, settled, resetAtMs }
  end

  function turns.inspect()
    local org = recordOf("org")
    if not org then return { "unknown" } end
    local windows, holds, keys = {}, {}, {}
    for _, window in ipairs(windowNames) do windows[#windows + 1] = stateOf("org", window, limitIn(org.limits, window)) end
    for _, id in ipairs(call("HKEYS", RECORDS)) do
      if id ~= "org" then keys[#keys + 1] = id end
    end
    table.sort(keys)
    for _, id in ipairs(keys) do
      local key = recordOf(id)
      for _, window in ipairs(windowNames) do
        local limit = limitIn(key.limits, window)
        if limit then windows[#windows + 1] = stateOf(id, window, limit) end
      end
    end
    for _, member in ipairs(call("ZRANGEBYSCORE", OPEN, "(" .. int(atMsNow()), "+inf")) do
      local hold = holdOf(sub(member, 1, 27))
      holds[#holds + 1] = { hold.id, hold.key, tokensHeld(hold), hold.expiresAtMs }
    end
    return { "state", atMsNow(), rowsWaiting(), windows, holds }
  end

  function turns.outbox()
    local reply = {}
    for _, entry in ipairs(call("XRANGE", OUTBOX, "-", "+", "COUNT", ARGV[3])) do
      reply[#reply + 1] = entry[1]
      reply[#reply + 1] = entry[2][2]
    end
    return reply
  end

  function turns.drained() return call("XDEL", OUTBOX, unpack(ARGV, 3)) end

  function turns.sweep() return rowsWaiting() end

  return turns
end

local function expire()
  local due = call("ZRANGEBYSCORE", OPEN, "-inf", int(atMsNow()))
  if #due == 0 then return end
  local ends = ending()
  for _, member in ipairs(due) do
    local hold = holdOf(sub(member, 1, 27))
    if hold then ends.close(hold, "expired", hold.noted or ends.nothing, now) end
  end
end

local partOf = { admit = deciding, look = deciding, settle = ending, release = ending }
local keepsStill = { look = true, publish = true, outbox = true, drained = true }
if not keepsStill[ARGV[1]] then expire() end
local part = (partOf[ARGV[1]] or chores)()
local reply = part[ARGV[1]]()
commit()
return reply
`;

const scriptBuiltins = String.raw`
local floor, ceil, min, max, huge = math.floor, math.ceil, math.min, math.max, math.huge
local format, match, gmatch, find, sub, byte, concat = string.format, string.match, string.gmatch, string.find, string.sub, string.byte, table.concat
local call = redis.call
`;

/**
 * The one script of the ledger; each call of it is atomic. Lua makes a script's functions anew each time it runs, and
 * looks for each name that one of them takes from around it among all that are taken: that was a third of an
 * admission's time. So what only some turns need is made in a function of its own, when a turn asks for it, and what
 * all of them name stands outside of all.
 */
export const ledgerScript = `${scriptBuiltins}
local function run()${scriptBooks}${scriptState}
local function deciding()${scriptDecide}end

local function ending()${scriptSettle}end
${scriptTurns}end
return run()
`;

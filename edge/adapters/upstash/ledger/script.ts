import { assembleScript } from "./assemble.ts";
import builtins from "./lua/builtins.lua";
import commands from "./lua/commands.lua";
import counters from "./lua/counters.lua";
import decide from "./lua/decide.lua";
import leases from "./lua/leases.lua";
import settle from "./lua/settle.lua";
import state from "./lua/state.lua";
import waiting from "./lua/waiting.lua";

/** The ledger's script, as Redis gets it. */
export const ledgerScript = assembleScript({ builtins, counters, state, leases, waiting, decide, settle, commands });

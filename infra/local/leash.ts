/** Preloaded into every process of the local stack: when the process that started it is gone, it goes too. */
process.on("disconnect", () => process.exit(0));
process.channel?.unref();
// What such a process forks inherits its flags, and would end for want of anything to do: node-llama-cpp tries its
// binary in a fork.
const own = process.execArgv.indexOf(import.meta.filename);
if (own > 0) process.execArgv.splice(own - 1, 2);

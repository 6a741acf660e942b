/** Preloaded into every process of the local stack: when the process that started it is gone, it goes too. */
process.on("disconnect", () => process.exit(0));
process.channel?.unref();

/** Dies by a signal in the middle of its work. */
console.log("about to crash");
process.kill(process.pid, "SIGSEGV");
setInterval(() => undefined, 1000);

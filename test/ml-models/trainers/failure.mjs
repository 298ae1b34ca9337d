/** Fails as programs do: a stack trace and an exit code. */
console.log("reading the data");
console.error("ValueError: could not convert string to float: 'N/A'");
process.exitCode = 42;

/** Prints without end. */
const line = `${"all work and no play ".repeat(50)}\n`;
const print = () => {
  while (process.stdout.write(line));
  process.stdout.once("drain", print);
};
print();

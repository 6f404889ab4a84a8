// The client of JavaScript on Node.js, with its default options.
const { createRequire } = require("node:module");

const [, , packages, port] = process.argv;
const { io } = createRequire(`${packages}/package.json`)("socket.io-client");

const ONE_BY_ONE = 2_000;
const AT_ONCE = 20_000;
const WINDOW = 64;

function run(socket, count, window) {
  return new Promise((resolve) => {
    let left = count;
    let toCome = count;
    const emit = () => {
      left -= 1;
      socket.emit("echo", "hello", (answer) => {
        if (answer !== "hello") throw new Error(answer);
        toCome -= 1;
        if (left > 0) emit();
        else if (toCome === 0) resolve();
      });
    };
    for (let i = 0; i < window; i += 1) emit();
  });
}

const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
socket.once("connect", async () => {
  const results = {};
  await run(socket, 200, WINDOW);
  for (const [name, count, window] of [["one by one", ONE_BY_ONE, 1], ["at once", AT_ONCE, WINDOW]]) {
    const start = process.hrtime.bigint();
    const cpu = process.cpuUsage();
    await run(socket, count, window);
    const used = process.cpuUsage(cpu);
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    results[name] = { per_second: count / seconds, cpu_us: (used.user + used.system) / count };
  }
  console.log(JSON.stringify(results));
  socket.disconnect();
});

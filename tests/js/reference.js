"use strict";

// The application of tests/conformance/application.py once more, on the reference servers: an expectation that they
// do not share is a mistake, or stands with its reason in tests/conformance/differences.py.
// It prints {port} first and then what happens as JSON lines; SIGTERM shuts it down, and so does the end of its input.

const http = require("node:http");
const engineio = require("engine.io");
const msgpack = require("socket.io-msgpack-parser");
const { Server } = require("socket.io");
const { admit, refuseWith } = require("./middleware");
const { encode, say } = require("./values");

const SUITE = { pingInterval: 300, pingTimeout: 200, maxHttpBufferSize: 1e6 };
const server = http.createServer((request, response) => response.writeHead(404).end());
server.setMaxListeners(0);
const applications = [];

function log(entry) {
  say(encode(entry));
}

function sender(namespace, socket, how) {
  let target = how.from === "socket" ? socket : how.from === "broadcast" ? socket.broadcast : namespace;
  if (how.to) target = target.to(how.to);
  if (how.except) target = target.except(how.except);
  if (how.local) target = target.local;
  if (how.volatile) target = target.volatile;
  if (how.compress !== undefined) target = target.compress(how.compress);
  return target;
}

function rooms(socket) {
  return [...socket.rooms].filter((room) => room !== socket.id).sort();
}

function connected(path, namespace, socket) {
  const note = (event, more) => log({ event, path, namespace: socket.nsp.name, id: socket.id, ...more });
  note("connection", { auth: socket.handshake.auth });
  socket.emit("auth", socket.handshake.auth);

  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => args.pop()(...args));
  socket.on("ask", (timeout, ...args) => {
    socket.timeout(timeout * 1000).emit("question", ...args, (error, ...answers) => {
      socket.emit("answered", error ? "timeout" : "value", ...answers);
    });
  });
  socket.on("ask in vain", () => {
    socket.timeout(5000).emit("question", (error) => note("in vain", { error: error ? "disconnected" : null }));
  });
  socket.on("handshake", (acknowledge) => {
    const { address, secure, xdomain, url, query, auth, headers, time, issued } = socket.handshake;
    acknowledge({
      ...{ address, secure, xdomain, path: url.split("?")[0], auth, test: headers["x-test"] },
      ...{ query: query.extra, timed: typeof time === "string" && time !== "", issued: issued > 1.6e12 },
    });
  });
  socket.on("count", (times, event) => {
    for (let n = 0; n < times; n++) socket.emit(event, n);
  });
  socket.on("remember", (value, acknowledge) => {
    socket.data.value = value;
    acknowledge();
  });
  socket.on("join", (names, acknowledge) => {
    socket.join(names);
    acknowledge(rooms(socket));
  });
  socket.on("leave", (name, acknowledge) => {
    socket.leave(name);
    acknowledge(rooms(socket));
  });
  socket.on("tell", (how, event, ...args) => {
    const acknowledge = args.pop();
    sender(socket.nsp, socket, how).emit(event, ...args);
    acknowledge(true);
  });
  socket.on("poll", (how, timeout, event, ...args) => {
    sender(socket.nsp, socket, how)
      .timeout(timeout * 1000)
      .emit(event, ...args, (error, answers) => socket.emit("polled", error ? "timeout" : "all", answers));
  });
  socket.on("sockets join", (how, name, acknowledge) => {
    sender(socket.nsp, socket, how).socketsJoin(name);
    acknowledge(true);
  });
  socket.on("sockets leave", (how, name, acknowledge) => {
    sender(socket.nsp, socket, how).socketsLeave(name);
    acknowledge(true);
  });
  socket.on("fetch sockets", async (how, acknowledge) => {
    const found = await sender(socket.nsp, socket, how).fetchSockets();
    acknowledge(found.map((one) => ({ id: one.id, rooms: rooms(one), data: one.data })));
  });
  socket.on("disconnect sockets", (how, close) => sender(socket.nsp, socket, how).disconnectSockets(close));
  socket.on("kick", (close) => socket.disconnect(close));
  socket.on("last words", () => {
    socket.emit("farewell");
    socket.disconnect();
  });
  socket.on("disconnecting", (reason) => note("disconnecting", { reason, rooms: rooms(socket) }));
  socket.on("disconnect", (reason) => note("disconnect", { reason }));
}

function socketio(path, options, ...middlewares) {
  const io = new Server(server, { path, destroyUpgrade: false, serveClient: false, allowEIO3: true, ...options });
  applications.push(io);
  for (const middleware of middlewares) io.use(middleware);
  const namespaces = [
    io.of("/"),
    io.of("/custom"),
    io.of("/admin").use(admit),
    io.of("/bare").use(refuseWith("bare")),
    io.of("/slow").use(async (socket, next) => {
      await null;
      socket.data.checked = true;
      next();
    }),
    io.of(/^\/room-\d+$/),
    io.of((name, auth, next) => next(null, name.startsWith("/dynamic") && auth.key === "open")),
    io.of("/guarded"),
    io.of("/watched"),
  ];
  for (const namespace of namespaces) {
    namespace.on("connection", (socket) => connected(path, namespace, socket));
  }
  io.of("/guarded").on("connection", (socket) => {
    socket.use(([event, text], next) => (event === "forbidden" ? next(new Error(`forbidden ${text}`)) : next()));
    socket.on("error", (error) => log({ event: "error", message: error.message }));
    socket.on("forbidden", () => log({ event: "forbidden", id: socket.id }));
  });
  io.of("/watched").on("connection", (socket) => {
    const note = (event) => (name, ...args) => {
      if (typeof args[args.length - 1] === "function") args.pop();
      log({ event, id: socket.id, name, args });
    };
    socket.onAny(note("any"));
    socket.onAnyOutgoing(note("any outgoing"));
  });
}

function raw(path, options) {
  const engine = new engineio.Server({ allowEIO3: true, ...options });
  applications.push(engine);
  engine.attach(server, { path, destroyUpgrade: false });
  engine.on("connection", (session) => {
    log({ event: "open", path, id: session.id, protocol: session.protocol });
    session.on("message", (data) => {
      if (data === "please close") session.close();
      else if (data === "please note this") log({ event: "noted", id: session.id });
      else if (data === "please count") for (let n = 0; n < 200; n++) session.send(String(n));
      else session.send(data);
    });
    session.on("close", (reason) => log({ event: "close", path, id: session.id, reason }));
  });
}

function refuse(request, callback) {
  callback(request._query.why || null, false);
}

const origins = ["http://one.example", "http://two.example"];
socketio("/socket.io/", {});
socketio("/suite/socket.io/", { ...SUITE, connectTimeout: 1000 });
socketio("/msgpack/socket.io/", { parser: msgpack });
socketio("/deflate/socket.io/", { perMessageDeflate: { threshold: 0 } });
socketio("/new/socket.io/", { ...SUITE, allowEIO3: false });
socketio("/members/socket.io/", {}, refuseWith("members only", ["not you"]));
raw("/engine.io/", {});
raw("/suite/engine.io/", SUITE);
raw("/new/engine.io/", { ...SUITE, allowEIO3: false });
raw("/old/engine.io/", { pingTimeout: 60000 });
raw("/small/engine.io/", { maxHttpBufferSize: 1000 });
raw("/polling/engine.io/", { transports: ["polling"] });
raw("/stay/engine.io/", { allowUpgrades: false });
raw("/impatient/engine.io/", { upgradeTimeout: 300 });
raw("/refuse/engine.io/", { allowRequest: refuse });
raw("/cookie/engine.io/", { cookie: {} });
raw("/cors/any/engine.io/", { cors: { origin: "*" } });
raw("/cors/list/engine.io/", { cors: { origin: origins, credentials: true } });

// Where only polling is served, nobody takes an upgrade: Node alone would close it.
server.on("upgrade", (request, socket) => request.url.startsWith("/polling/") && socket.destroy());

let stopping = false;

function stop() {
  if (stopping) return;
  stopping = true;
  for (const application of applications) application.close();
  server.close();
  setTimeout(() => process.exit(0), 100);
}

process.on("SIGTERM", stop);
process.stdin.resume().on("end", stop);
server.listen(Number(process.argv[2] || 0), "127.0.0.1", () => say({ port: server.address().port }));

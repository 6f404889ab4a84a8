"use strict";

// The servers that the clients under test meet: `node server_for_clients.js 3|4` serves socket.io of that version under
// several paths, and with 4 the raw engine.io below it, on one port of loopback. It prints {port} first, then what
// happens. Commands come as JSON lines on stdin, with {reply, value} or {reply, error} as their answer: a further port (TLS, a
// Unix socket), and servers of a scenario's own, which can be stopped and started again. The end of stdin ends it.

const http = require("node:http");
const https = require("node:https");
const { install, log } = require("./application_for_clients");
const { decode, eachLine, encode, say } = require("./values");

const version = process.argv[2];
const socketio = require(version === "3" ? "sio-server3" : "socket.io");
const engineio = require("engine.io");
const msgpack = require("socket.io-msgpack-parser");

// By the parameter "key" of the query: what the requests looked like.
const requests = new Map();

function watch(request) {
  const url = new URL(request.url, "http://any");
  const key = url.searchParams.get("key");
  if (key === null) return;
  if (!requests.has(key)) requests.set(key, []);
  const { cookie, authorization, "x-test": test, host } = request.headers;
  const query = Object.fromEntries(url.searchParams);
  requests.get(key).push({ method: request.method, path: url.pathname, query, cookie, authorization, test, host });
}

function listener() {
  return http.createServer((request, response) => response.writeHead(404).end()).setMaxListeners(0);
}

function serve(server, path, options) {
  const io = new socketio.Server(server, { path, destroyUpgrade: false, serveClient: false, ...options });
  install(io);
  return io;
}

function raw(server, path, options) {
  const engine = new engineio.Server(options);
  engine.attach(server, { path, destroyUpgrade: false });
  engine.on("connection", (session) => {
    let received = 0;
    log("open", { path, id: session.id });
    session.on("message", (data) => {
      received++;
      if (data === "please close") session.close();
      else if (data === "please count") for (let n = 0; n < 200; n++) session.send(String(n));
      else session.send(data);
    });
    session.on("close", (reason) => log("close", { path, id: session.id, reason, received }));
  });
}

function cookies(io) {
  const first = (headers) => (headers["set-cookie"] = ["one=1; Path=/; HttpOnly", "two=second; Max-Age=1000"]);
  io.engine.on("initial_headers", first);
}

const main = listener();
// Pings that come often, and pings that are missed soon.
const TICKING = { pingInterval: 50, pingTimeout: 10000 };
const HASTY = { pingInterval: 100, pingTimeout: 300 };
const DEFLATE = { perMessageDeflate: { threshold: 0 } };
serve(main, "/socket.io/", {});
serve(main, "/ticking/socket.io/", TICKING);
serve(main, "/hasty/socket.io/", HASTY);
serve(main, "/small/socket.io/", { maxHttpBufferSize: 1000 });
serve(main, "/deflate/socket.io/", DEFLATE);
serve(main, "/msgpack/socket.io/", { parser: msgpack });
serve(main, "/polling/socket.io/", { transports: ["polling"] });
serve(main, "/websocket/socket.io/", { transports: ["websocket"] });
cookies(serve(main, "/cookies/socket.io/", {}));
if (version === "4") {
  raw(main, "/engine.io/", {});
  raw(main, "/ticking/engine.io/", TICKING);
  raw(main, "/small/engine.io/", { maxHttpBufferSize: 1000 });
  raw(main, "/polling/engine.io/", { transports: ["polling"] });
  raw(main, "/stay/engine.io/", { allowUpgrades: false });
  raw(main, "/refuse/engine.io/", { allowRequest: (request, callback) => callback("not you", false) });
  raw(main, "/v3/engine.io/", { allowEIO3: false });
}
// Behind them: engine.io takes the other listeners away, to call them for what is not its own.
main.on("request", watch).on("upgrade", watch);
// Nobody else takes an upgrade to a path that is not served, or not over WebSocket.
main.on("upgrade", (request, socket) => {
  if (/^\/(polling|nowhere)\//.test(request.url)) socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
});

const servers = new Map();

function listen(server, where, done) {
  server.once("error", (error) => done(null, error));
  server.listen(where, () => done(server.address().port || null));
}

const commands = {
  // One more port, or a Unix socket, in front of all that is served.
  listen({ tls, path }, done) {
    const server = tls ? https.createServer(tls) : http.createServer();
    server.on("request", (request, response) => main.emit("request", request, response));
    server.on("upgrade", (request, socket, head) => main.emit("upgrade", request, socket, head));
    listen(server, path ? { path } : { port: 0, host: "127.0.0.1" }, done);
  },

  start({ id, port, options }, done) {
    const server = listener();
    const sockets = new Set();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    servers.set(id, { server, sockets, io: serve(server, "/socket.io/", options) });
    listen(server, { port, host: "127.0.0.1" }, done);
  },

  // Without warning its connections are cut, as by the end of the process; otherwise the clients are told.
  stop({ id, warning }, done) {
    const { sockets, io } = servers.get(id);
    // That is, as soon as everybody can be told: a client that polls is not always there.
    const reachable = () => Object.values(io.engine.clients).every(({ transport }) => transport.writable);
    if (warning && !reachable()) return setTimeout(commands.stop, 1, { id, warning }, done);
    servers.delete(id);
    if (!warning) sockets.forEach((socket) => socket.resetAndDestroy());
    io.close(() => done(null));
    // Connections that are kept alive would be waited for.
    if (warning) setImmediate(() => sockets.forEach((socket) => socket.end()));
  },

  requests({ key }, done) {
    done(requests.get(key) || []);
  },
};

eachLine(process.stdin, (command) => {
  const { reply } = command;
  const done = (value, error) => say(error ? { reply, error: error.message } : { reply, value: encode(value) });
  try {
    commands[command.do](decode(command), done);
  } catch (error) {
    done(null, error);
  }
});
process.stdin.on("end", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
main.listen(0, "127.0.0.1", () => say({ port: main.address().port }));

"use strict";

// The servers that the clients under test meet: `node server_for_clients.js 2|3|4` serves socket.io of that version under
// several paths, and with 2 and 4 raw engine.io as it is below it, on one port of loopback; with "allowEIO3" behind the
// version, to clients of both revisions. It prints {port} first, then what happens. Commands come as JSON lines on
// stdin, with {reply, value} or {reply, error} as their answer: a further port (TLS, a Unix socket), and servers of a
// scenario's own, which can be stopped and started again. The end of stdin ends it.

const http = require("node:http");
const https = require("node:https");
const { install, log } = require("./application_for_clients");
const { admitByQuery, dawdle } = require("./middleware");
const { decode, eachLine, encode, say } = require("./values");

const [version, ...switches] = process.argv.slice(2);
const socketio = require({ 2: "sio-server2", 3: "sio-server3", 4: "socket.io" }[version]);
const engineio = require(version === "2" ? "eio-server3" : "engine.io");
const msgpack = require("socket.io-msgpack-parser");

// By the parameter "key" of the query: what the requests looked like.
const requests = new Map();

function watch(request) {
  const url = new URL(request.url, "http://any");
  const key = url.searchParams.get("key");
  if (key === null) return;
  if (!requests.has(key)) requests.set(key, []);
  const { method, headers } = request;
  const { cookie, authorization, "x-test": test, "content-type": type, host } = headers;
  const query = Object.fromEntries(url.searchParams);
  requests.get(key).push({ method, path: url.pathname, query, cookie, authorization, test, type, host });
}

function listener() {
  return http.createServer((request, response) => response.writeHead(404).end()).setMaxListeners(0);
}

const REVISIONS = Object.fromEntries(switches.map((name) => [name, true]));

function serve(server, path, options, middleware) {
  const Server = socketio.Server || socketio;
  const io = new Server(server, { path, destroyUpgrade: false, serveClient: false, ...REVISIONS, ...options });
  if (middleware) io.use(middleware);
  install(io);
  return io;
}

function raw(server, path, options) {
  const engine = new engineio.Server({ ...REVISIONS, ...options });
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

function cookies(request, response) {
  const url = new URL(request.url, "http://any");
  if (!url.pathname.startsWith("/cookies/") || url.searchParams.has("sid")) return;
  response.setHeader("Set-Cookie", ["one=1; Path=/; HttpOnly", "two=second; Max-Age=1000"]);
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
// The parsers of Socket.IO 2.x have another interface.
if (version !== "2") serve(main, "/msgpack/socket.io/", { parser: msgpack });
serve(main, "/polling/socket.io/", { transports: ["polling"] });
serve(main, "/websocket/socket.io/", { transports: ["websocket"] });
serve(main, "/cookies/socket.io/", { cookie: false });
serve(main, "/closed/socket.io/", {}, admitByQuery);
serve(main, "/slow/socket.io/", {}, dawdle);
if (version !== "3") {
  raw(main, "/engine.io/", {});
  raw(main, "/ticking/engine.io/", TICKING);
  raw(main, "/small/engine.io/", { maxHttpBufferSize: 1000 });
  raw(main, "/polling/engine.io/", { transports: ["polling"] });
  raw(main, "/stay/engine.io/", { allowUpgrades: false });
  raw(main, "/refuse/engine.io/", { allowRequest: (request, callback) => callback("not you", false) });
}
main.prependListener("request", cookies);
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

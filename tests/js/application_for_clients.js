"use strict";

// What a socket.io server, of any version, does for the clients under test. tests/conformance/client/python_server.py
// is the same application on python-socketio: a change here needs one there.

const { admit, authOf, refuseWith } = require("./middleware");
const { encode, say } = require("./values");

// Everything that clients have handed in, by key: it survives a restart, and shows what was lost, doubled or reordered.
const collected = new Map();

function log(event, more) {
  say(encode({ event, ...more }));
}

function connected(namespace, socket) {
  const held = [];
  const note = (event, more) => log(event, { namespace: socket.nsp.name, id: socket.id, ...more });
  note("connection", { auth: authOf(socket) });
  socket.emit("welcome", authOf(socket));

  socket.on("echo", (...args) => socket.emit("echo back", ...args));
  socket.on("ask", (...args) => args.pop()(...args));
  socket.on("hold", (...args) => held.push(args.pop()));
  socket.on("release", (...args) => held.splice(0).forEach((acknowledge) => acknowledge(...args)));
  socket.on("count", (times, event, ...args) => {
    for (let n = 0; n < times; n++) socket.emit(event, n, ...args);
  });
  socket.on("collect", (key, value, acknowledge) => {
    if (!collected.has(key)) collected.set(key, []);
    collected.get(key).push(value);
    if (acknowledge) acknowledge(value);
  });
  socket.on("collected", (key, acknowledge) => acknowledge(collected.get(key) || []));
  socket.on("handshake", (acknowledge) => {
    const { query, headers, secure } = socket.handshake;
    const { id, transport } = socket.conn;
    acknowledge({ auth: authOf(socket), query, headers, secure, engine: id, transport: transport.name });
  });
  socket.on("question", (patience, ...args) => {
    const done = (kind) => (...answers) => socket.emit("answered", kind, ...answers);
    if (!socket.timeout) return socket.emit("question", ...args, done("value"));
    socket.timeout(patience * 1000).emit("question", ...args, (error, ...answers) => {
      done(error ? "timeout" : "value")(...answers);
    });
  });
  socket.on("join", (room, acknowledge) => {
    socket.join(room);
    acknowledge(room);
  });
  socket.on("leave", (room, acknowledge) => {
    socket.leave(room);
    acknowledge(room);
  });
  socket.on("tell", (room, event, ...args) => socket.to(room).emit(event, ...args));
  socket.on("tell all", (room, event, ...args) => socket.nsp.to(room).emit(event, ...args));
  socket.on("volatile", (event, ...args) => socket.volatile.emit(event, ...args));
  socket.on("kick", (close) => socket.disconnect(close));
  socket.on("last words", () => {
    socket.emit("farewell");
    socket.disconnect();
  });
  // Below Socket.IO: raw messages, and the end of the session.
  socket.on("write", (...messages) => messages.forEach((data) => socket.conn.write(data)));
  socket.on("end", () => socket.conn.close());
  socket.on("disconnect", (reason) => note("disconnect", { reason }));
}

function install(io) {
  const namespaces = [
    io.of("/"),
    io.of("/custom"),
    io.of("/admin").use(admit),
    io.of("/bare").use(refuseWith("bare")),
    io.of("/words").use(refuseWith("refused", "in a few words")),
    io.of("/list").use(refuseWith("refused", [1, "two", null])),
    io.of("/complete").use(refuseWith("refused", { message: "in its data", data: { code: 7 } })),
    io.of("/yes").use(refuseWith("refused", true)),
    io.of(/^\/room-\d+$/),
  ];
  for (const namespace of namespaces) namespace.on("connection", (socket) => connected(namespace, socket));
}

module.exports = { install, log };

"use strict";

// The official clients, remote-controlled: commands come as JSON lines on stdin, and everything that the clients
// report goes out as JSON lines on stdout, either {reply, value} or {reply, error} to a command, or {of, event, args}.
// It decides nothing: scenarios and assertions are in Python.

const { requireWithBytes } = require("./bytes");
const { encode, decode, eachLine, say } = require("./values");
const msgpack = require("socket.io-msgpack-parser");

// By major version: socket.io-client, and engine.io-client.
const libraries = {
  1: requireWithBytes("sio-client1"),
  2: requireWithBytes("sio-client2"),
  3: require("sio-client3"),
  4: require("socket.io-client"),
};
const engines = { 3: requireWithBytes("eio-client3"), 6: require("engine.io-client") };

const objects = new Map();

function report(of, event, args) {
  say({ of, event, args: encode(args) });
}

// Listen to every event. Clients before 3.0 have no onAny.
function onAny(socket, listener) {
  if (socket.onAny) {
    socket.onAny(listener);
  } else {
    socket.onevent = ({ id, data }) => listener(...data, ...(id === undefined ? [] : [socket.ack(id)]));
  }
}

// What a socket does with an event that asks for an acknowledgement: `answers` maps event names to the arguments to
// answer with, or to "echo"; what is not listed is never answered.
function listen(of, socket, answers) {
  socket.on("connect", () => report(of, "connect", [socket.id]));
  // What a refusal is called: "error" before 3.0.
  for (const event of ["connect_error", "error"]) socket.on(event, (error) => report(of, event, [error]));
  socket.on("disconnect", (reason) => report(of, "disconnect", [reason]));
  onAny(socket, (event, ...args) => {
    const acknowledge = typeof args[args.length - 1] === "function" ? args.pop() : undefined;
    if (acknowledge && event in answers) acknowledge(...(answers[event] === "echo" ? args : answers[event]));
    report(of, "event:" + event, args);
  });
}

// Close a manager for good.
function leave(manager) {
  manager.reconnection(false);
  if (manager._close) manager._close();
  else manager.close();
}

const commands = {
  manager({ id, version, url, options, parser }) {
    if (parser === "msgpack") options.parser = msgpack;
    const manager = new libraries[version].Manager(url, { autoConnect: false, reconnection: false, ...options });
    objects.set(id, manager);
    manager.on("open", () => {
      const current = manager.engine;
      report(id, "open", [current.transport.name]);
      current.on("upgrade", (transport) => report(id, "upgrade", [transport.name]));
      current.on("packet", ({ type }) => (type === "ping" || type === "pong") && report(id, type, []));
    });
    for (const event of ["close", "reconnect", "reconnect_attempt", "reconnect_failed"]) {
      manager.on(event, (...args) => report(id, event, event === "close" ? args.slice(0, 1) : args));
    }
  },

  socket({ id, of, namespace, options, answers }) {
    const socket = objects.get(of).socket(namespace, options);
    objects.set(id, socket);
    listen(id, socket, answers);
    socket.connect();
  },

  emit({ id, args, flags, times, acknowledge }, done) {
    const socket = objects.get(id);
    for (let n = 0; n < times; n++) {
      let sender = socket;
      if (flags.volatile) sender = sender.volatile;
      if (flags.compress !== undefined) sender = sender.compress(flags.compress);
      if (flags.timeout !== undefined) sender = sender.timeout(flags.timeout);
      const values = times > 1 ? [...args, n] : args;
      if (!acknowledge) {
        sender.emit(...values);
      } else if (flags.timeout === undefined) {
        sender.emit(...values, (...answers) => done(answers));
      } else {
        sender.emit(...values, (error, ...answers) => done(answers, error));
      }
    }
    if (!acknowledge) done();
  },

  connect({ id }) {
    objects.get(id).connect();
  },

  disconnect({ id }) {
    objects.get(id).disconnect();
  },

  state({ id }) {
    const { connected, active } = objects.get(id);
    return { connected, active, id: objects.get(id).id };
  },

  transport({ id }) {
    return objects.get(id).engine.transport.name;
  },

  // Below Socket.IO: a raw Engine.IO message, the end of the transport session, and silence (not even pongs).
  write({ id, data }) {
    objects.get(id).engine.write(data);
  },

  close({ id }) {
    objects.get(id).engine.close();
  },

  leave({ id }) {
    leave(objects.get(id));
  },

  mute({ id }) {
    const socket = objects.get(id).engine || objects.get(id);
    socket.sendPacket = socket._sendPacket = () => {};
    // Where the client is the one that pings, it would miss the answers and end it.
    socket.off("heartbeat");
    clearTimeout(socket.pingIntervalTimer);
    clearTimeout(socket.pingTimeoutTimer);
  },

  engine({ id, version, url, options }) {
    const socket = new engines[version].Socket(url, options);
    objects.set(id, socket);
    socket.on("open", () => report(id, "open", [socket.id, socket.transport.name]));
    socket.on("upgrade", (transport) => report(id, "upgrade", [transport.name]));
    // The client reports an empty text as undefined.
    socket.on("message", (data) => report(id, "message", [data === undefined ? "" : data]));
    socket.on("packet", ({ type }) => (type === "ping" || type === "pong") && report(id, type, []));
    socket.on("error", (error) => report(id, "error", [error.message]));
    socket.on("close", (reason) => report(id, "close", [reason]));
  },

  send({ id, messages }) {
    for (const message of messages) objects.get(id).send(message);
  },

  end({ id }) {
    objects.get(id).close();
  },

  reset() {
    for (const object of objects.values()) {
      if (object.engine) leave(object);
      else if (Object.values(engines).some(({ Socket }) => object instanceof Socket)) object.close();
    }
    objects.clear();
  },
};

eachLine(process.stdin, (command) => {
  const { reply } = command;
  const done = (value, error) => say(error ? { reply, error: error.message } : { reply, value: encode(value) });
  try {
    const value = commands[command.do](decode(command), done);
    if (command.do !== "emit") done(value);
  } catch (error) {
    done(undefined, error);
  }
});
process.stdin.on("end", () => process.exit(0));

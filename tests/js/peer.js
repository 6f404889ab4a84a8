"use strict";

// The official clients, remote-controlled: commands come as JSON lines on stdin, and everything that the clients
// report goes out as JSON lines on stdout, either {reply, value} or {reply, error} to a command, or {of, event, args}.
// It decides nothing: scenarios and assertions are in Python.

const { encode, decode, eachLine, say } = require("./values");
const engine = require("engine.io-client");
const msgpack = require("socket.io-msgpack-parser");
const libraries = { 3: require("sio-client3"), 4: require("socket.io-client") };

const objects = new Map();

function report(of, event, args) {
  say({ of, event, args: encode(args) });
}

// What a socket does with an event that asks for an acknowledgement: `answers` maps event names to the arguments to
// answer with, or to "echo"; what is not listed is never answered.
function listen(of, socket, answers) {
  socket.on("connect", () => report(of, "connect", [socket.id]));
  socket.on("connect_error", (error) => report(of, "connect_error", [error]));
  socket.on("disconnect", (reason) => report(of, "disconnect", [reason]));
  socket.onAny((event, ...args) => {
    const acknowledge = typeof args[args.length - 1] === "function" ? args.pop() : undefined;
    if (acknowledge && event in answers) acknowledge(...(answers[event] === "echo" ? args : answers[event]));
    report(of, "event:" + event, args);
  });
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
      current.on("packet", ({ type }) => type === "ping" && report(id, "ping", []));
    });
    for (const event of ["close", "reconnect", "reconnect_attempt", "reconnect_failed"]) {
      manager.on(event, (...args) => report(id, event, event === "close" ? args.slice(0, 1) : args));
    }
  },

  socket({ id, of, namespace, auth, answers }) {
    const socket = objects.get(of).socket(namespace, auth === null ? {} : { auth });
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
    objects.get(id).reconnection(false);
    objects.get(id)._close();
  },

  mute({ id }) {
    const socket = objects.get(id).engine || objects.get(id);
    socket.sendPacket = socket._sendPacket = () => {};
  },

  engine({ id, url, options }) {
    const socket = new engine.Socket(url, options);
    objects.set(id, socket);
    socket.on("open", () => report(id, "open", [socket.id, socket.transport.name]));
    socket.on("upgrade", (transport) => report(id, "upgrade", [transport.name]));
    // The client reports an empty text as undefined.
    socket.on("message", (data) => report(id, "message", [data === undefined ? "" : data]));
    socket.on("ping", () => report(id, "ping", []));
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
      if (object.engine) {
        object.reconnection(false);
        object._close();
      } else if (object instanceof engine.Socket) {
        object.close();
      }
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

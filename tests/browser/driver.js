"use strict";

// What the tests call in a page. Bytes go in and out as {bytes: [...]}.

const plain = (value) =>
  value instanceof ArrayBuffer ? { bytes: [...new Uint8Array(value)] } : Array.isArray(value) ? value.map(plain) : value;
const native = (value) =>
  value && value.bytes ? Uint8Array.from(value.bytes).buffer : Array.isArray(value) ? value.map(native) : value;

// A promise that does not keep the test waiting for ever.
const soon = (begin) => new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("that has taken too long")), 10000);
  begin(resolve, reject);
});

window.heard = [];
window.connect = (url, options) => soon((resolve, reject) => {
  window.socket = io(url, { reconnection: false, ...options });
  socket.on("connect", () => resolve(socket.id));
  socket.on("connect_error", (error) => reject(new Error(error.message || error)));
  socket.on("said", (...args) => heard.push(args.map(plain)));
});

window.emit = (event, args) => socket.emit(event, ...args.map(native));

window.ask = (event, args) => soon((resolve) =>
  socket.emit(event, ...args.map(native), (...answer) => resolve(answer.map(plain))));

// One of Engine.IO, which the bundle does not export: what it sends, until all has come back.
window.echo = (url, options, messages) => soon((resolve, reject) => {
  const engine = new socket.io.engine.constructor(url, { path: "/engine.io/", ...options });
  const received = [];
  engine.binaryType = "arraybuffer";
  engine.on("open", () => messages.map(native).forEach((message) => engine.send(message)));
  engine.on("error", reject);
  engine.on("message", (message) => {
    // One without anything in it is undefined.
    received.push(plain(message ?? ""));
    if (received.length === messages.length) {
      engine.on("close", () => resolve(received));
      engine.close();
    }
  });
});

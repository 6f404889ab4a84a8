"use strict";

// The parser of Engine.IO's revision 3, and what JSONP makes of its payloads, remote-controlled: commands come as JSON
// lines on stdin, each is answered by one line on stdout.
//
// {encode: [message, …], binary} is answered by {body, binary}, {decode: body, binary} by {packets, failed};
// {frame: message, binary} by {packet}, {unframe: packet} by {packets, failed}.
// {form: payload}, what a page posts, by {body}; {unform: body} by {payload}; {script: payload, index} by {body}.

const parser = require("eio-parser2");
// By its path: the package does not export it.
const { JSONP } = require("./node_modules/engine.io/build/transports/polling-jsonp");
const JSONPPolling = require("eio-client3/lib/transports/polling-jsonp");
const { decode, encode, eachLine, say } = require("./values");

const asPacket = (data) => ({ type: "message", data });

function collect(feed) {
  const packets = [];
  let failed = false;
  feed((packet) => {
    if (packet.type === "error") failed = true;
    else packets.push(packet);
  });
  return { packets: encode(packets), failed };
}

// What a form with this payload is sent as; the document is as much of one as the transport asks for.
function form(payload) {
  let area;
  const element = (name) => ({ name, style: {}, setAttribute() {}, appendChild() {}, submit() {} });
  global.document = {
    createElement(name) {
      const made = element(name);
      if (name === "textarea") area = made;
      return made;
    },
    body: element("body"),
  };
  JSONPPolling.prototype.doWrite.call({ index: 0, uri: () => "/" }, payload, () => {});
  delete global.document;
  // A form has CRLF for every end of a line.
  return new URLSearchParams([["d", area.value.replace(/\r\n|\r|\n/g, "\r\n")]]).toString();
}

function unform(body) {
  const transport = new JSONP({ _query: { j: "0" } });
  let payload = null;
  // What the transport hands to the parser.
  Object.getPrototypeOf(JSONP.prototype).onData = (data) => (payload = data);
  transport.onData(body);
  return payload;
}

function script(payload, index) {
  const transport = new JSONP({ _query: { j: index } });
  let written;
  Object.getPrototypeOf(JSONP.prototype).doWrite = (data) => (written = data);
  transport.doWrite(payload, {}, () => {});
  return written;
}

eachLine(process.stdin, (line) => {
  const command = decode(line);
  const { binary } = command;
  if ("encode" in command) {
    parser.encodePayload(command.encode.map(asPacket), binary, (body) => {
      say({ body: encode(Buffer.from(body)), binary: typeof body !== "string" });
    });
  } else if ("decode" in command) {
    const body = binary ? command.decode : command.decode.toString();
    say(collect((take) => parser.decodePayload(body, undefined, take)));
  } else if ("frame" in command) {
    parser.encodePacket(asPacket(command.frame), binary, false, (packet) => say({ packet: encode(packet) }));
  } else if ("unframe" in command) {
    say(collect((take) => take(parser.decodePacket(command.unframe))));
  } else if ("form" in command) {
    say({ body: form(command.form) });
  } else if ("unform" in command) {
    say({ payload: unform(command.unform) });
  } else {
    say({ body: script(command.script, command.index) });
  }
});

"use strict";

// The parsers of the reference, remote-controlled: commands come as JSON lines on stdin, each is answered by one line on
// stdout. {parser, packet} is answered by {messages}, {parser, messages} by {packets} or {error}. Beside what values.js
// knows, {$date: milliseconds}, {$undefined: true} and {$buffer: bytes}, an ArrayBuffer, are values of their own.

const { encode, decode, eachLine, say } = require("./values");
const parsers = { text: require("socket.io-parser"), msgpack: require("socket.io-msgpack-parser") };

function toNative(value) {
  if (Array.isArray(value)) return value.map(toNative);
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  if ("$date" in value) return new Date(value.$date);
  if ("$undefined" in value) return undefined;
  if ("$buffer" in value) return Uint8Array.from(value.$buffer).buffer;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toNative(item)]));
}

function fromNative(value) {
  if (Array.isArray(value)) return value.map(fromNative);
  if (value === undefined) return { $undefined: true };
  if (value instanceof Date) return { $date: value.getTime() };
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromNative(item)]));
}

function feed(decoder, messages) {
  const packets = [];
  decoder.on("decoded", (packet) => packets.push(packet));
  try {
    messages.forEach((message) => decoder.add(message));
  } catch (error) {
    return { error: error.message };
  }
  return { packets: encode(fromNative(packets)) };
}

eachLine(process.stdin, ({ parser, packet, messages }) => {
  const { Encoder, Decoder } = parsers[parser];
  if (packet) say({ messages: encode(new Encoder().encode(toNative(decode(packet)))) });
  else say(feed(new Decoder(), decode(messages)));
});

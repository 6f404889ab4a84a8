"use strict";

// Values on the pipes to Python: JSON, with binary as {"$bytes": base64} and undefined as null.

function encode(value) {
  if (value === undefined) return null;
  if (value instanceof Error) return { message: value.message, data: encode(value.data) };
  if (value instanceof ArrayBuffer) return { $bytes: Buffer.from(value).toString("base64") };
  if (ArrayBuffer.isView(value)) {
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  if (Array.isArray(value)) return value.map(encode);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]));
  }
  return value;
}

function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (value !== null && typeof value === "object") {
    if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "base64");
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
  }
  return value;
}

// JSON lines from stdin. Not readline: it also splits at U+2028 and U+2029.
function eachLine(stream, handle) {
  let rest = [];
  stream.on("data", (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      rest.push(chunk.subarray(start, end));
      const line = Buffer.concat(rest).toString();
      rest = [];
      start = end + 1;
      handle(JSON.parse(line));
    }
    rest.push(chunk.subarray(start));
  });
}

function say(value) {
  process.stdout.write(JSON.stringify(value) + "\n");
}

module.exports = { encode, decode, eachLine, say };

"use strict";

// Clients of the time before 3.0 poll for bytes in browsers, and for base64 on Node, whose XMLHttpRequest had no bytes
// then. This is one that has: with it, they do here what they do in browsers.

const path = require("node:path");
const XMLHttpRequest = require("xmlhttprequest-ssl");

function XMLHttpRequestWithBytes(options) {
  XMLHttpRequest.call(this, options);
  this.responseType = "";
}

function requireWithBytes(library) {
  const place = require.resolve("xmlhttprequest-ssl", { paths: [path.dirname(require.resolve(library))] });
  require(place);
  require.cache[place].exports = XMLHttpRequestWithBytes;
  return require(library);
}

module.exports = { requireWithBytes };

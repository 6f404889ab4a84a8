"use strict";

// How the namespaces of the servers let clients in, or refuse them.

function refuseWith(message, data) {
  const error = new Error(message);
  if (data !== undefined) error.data = data;
  return (socket, next) => next(error);
}

const refuseStrangers = refuseWith("not allowed", { code: 7, why: ["no token", null, { "☃": 1.5 }] });

// What the client shows for a namespace. Socket.IO 2.x has merged it into the query of the request.
function authOf({ handshake, request }) {
  if (handshake.auth) return handshake.auth;
  const own = Object.entries(handshake.query).filter(([name, value]) => request._query[name] !== value);
  return Object.fromEntries(own);
}

function admit(socket, next) {
  if (authOf(socket).token === "secret") next();
  else refuseStrangers(socket, next);
}

function admitByQuery(socket, next) {
  if (socket.handshake.query.token === "secret") next();
  else refuseStrangers(socket, next);
}

// Long enough for what has been sent behind a CONNECT to come in.
function dawdle(socket, next) {
  setTimeout(next, 50);
}

module.exports = { admit, admitByQuery, authOf, dawdle, refuseWith };

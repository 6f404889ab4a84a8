"use strict";

// How the namespaces of the servers refuse clients.

function refuseWith(message, data) {
  const error = new Error(message);
  if (data !== undefined) error.data = data;
  return (socket, next) => next(error);
}

const refuseStrangers = refuseWith("not allowed", { code: 7, why: ["no token", null, { "☃": 1.5 }] });

function admit(socket, next) {
  if (socket.handshake.auth.token === "secret") next();
  else refuseStrangers(socket, next);
}

module.exports = { admit, refuseWith };

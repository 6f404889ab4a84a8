// socket.io on Node, with its default options.
const { createServer } = require("node:http");
const { createRequire } = require("node:module");
const { Server } = createRequire(process.argv[2] + "/")("socket.io");

const server = createServer();
const io = new Server(server);
io.on("connection", (socket) => {
  socket.on("echo", (text, ack) => ack(text));
  socket.on("broadcast", (text) => io.emit("news", text));
});
server.listen(0, "127.0.0.1", 4096, () => console.log(server.address().port));

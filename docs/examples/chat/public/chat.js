"use strict";

const ROOMS = ["lobby", "garden", "workshop"];
const STILL_TYPING = 2500; // ms without a key until the others stop seeing "is typing"
const TELL_TYPING = 2000; // ms between two reports that somebody types
const TYPING_SHOWN = 5000; // ms after which "is typing" goes away, should its end have been lost
const ACK_TIMEOUT = 10000; // ms
const LARGEST_PICTURE = 1600; // pixels of the longer side
const PICTURE_KINDS = ["image/png", "image/jpeg", "image/gif", "image/webp"];

const find = (id) => document.getElementById(id);
const messages = find("messages");
const text = find("text");

let name = "";
let room = "";
let people = null; // the names in this room, null until the server has told them
let lastAuthor = null;
const typists = new Map(); // name -> the timer that forgets it

// Long-polling first and WebSocket as soon as the probe has passed, which is what the client does by itself.
const socket = io({ autoConnect: false });

// --- the connection ---

socket.on("connect", () => {
  const engine = socket.io.engine;
  showConnection(engine.transport.name, `Connected by ${label(engine.transport.name)}`);
  engine.once("upgrade", (transport) => showConnection(transport.name, `Upgraded to ${label(transport.name)}`));
  join(room); // after a reconnection too: the server knows a new socket
});

socket.on("disconnect", () => {
  showConnection("offline", "Connection lost, trying again …");
  showPeople([]);
  people = null;
});

socket.io.on("reconnect_attempt", () => showConnection("offline", "Connecting …"));

function label(transport) {
  return transport === "websocket" ? "WebSocket" : "long-polling";
}

function showConnection(state, words) {
  find("connection").dataset.state = state;
  find("connection").title = words;
  find("connection-text").textContent = words;
}

// --- rooms and people ---

function enter(next) {
  room = next.trim().slice(0, 30) || ROOMS[0];
  if (!ROOMS.includes(room)) ROOMS.push(room);
  people = null;
  lastAuthor = null;
  messages.replaceChildren();
  for (const who of [...typists.keys()]) forgetTypist(who);
  find("room-name").textContent = room;
  text.placeholder = `Write to #${room}`;
  document.title = `#${room} · sansio_eio`;
  history.replaceState(null, "", `#${encodeURIComponent(room)}`);
  showRooms();
  if (socket.connected) join(room);
}

function join(next) {
  socket.emit("join", name, next);
}

function showRooms() {
  find("rooms").replaceChildren(
    ...ROOMS.map((each) => {
      const button = element("button", "", each);
      button.type = "button";
      button.setAttribute("aria-current", String(each === room));
      button.addEventListener("click", () => each !== room && enter(each));
      return element("li", "", button);
    }),
  );
}

socket.on("people", (names) => {
  if (people) {
    for (const who of added(people, names)) note(`${who} came in`);
    for (const who of added(names, people)) {
      note(`${who} left`);
      forgetTypist(who);
    }
  } else {
    note(`You are in #${room}`);
  }
  people = names;
  showPeople(names);
});

// What `after` has more than `before`; two people may have the same name.
function added(before, after) {
  const rest = [...before];
  return after.filter((each) => {
    const index = rest.indexOf(each);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}

function showPeople(names) {
  let me = true; // of several with my name one is me
  find("people").replaceChildren(
    ...names.map((each) => {
      const item = element("li", "", face(each), element("span", "name", each));
      if (each === name && me) {
        me = false;
        item.append(element("span", "you", "you"));
      }
      return item;
    }),
  );
  find("people-count").textContent = names.length;
  find("room-people").textContent = names.length === 1 ? "Only you, so far" : names.length ? `${names.length} people here` : "";
  find("faces").replaceChildren(...names.slice(0, 6).map(face));
}

function face(who) {
  const initials = who.split(/\s+/).map((word) => [...word][0] || "").slice(0, 2).join("").toUpperCase();
  const disc = element("span", "face", initials);
  disc.setAttribute("aria-hidden", "true");
  let hue = 7;
  for (const letter of who) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  disc.style.setProperty("--hue", hue);
  return disc;
}

// --- messages ---

socket.on("message", (who, words) => {
  forgetTypist(who);
  addMessage(who, false, element("div", "bubble", String(words)));
});

socket.on("picture", (who, kind, data) => {
  addMessage(who, false, pictureBubble(new Blob([data], { type: PICTURE_KINDS.includes(kind) ? kind : "" }), `Picture from ${who}`));
});

function send(words) {
  const bubble = element("div", "bubble", words);
  const message = addMessage(name, true, bubble);
  socket.timeout(ACK_TIMEOUT).emit("message", words, (error) => acknowledge(message, error));
}

async function sendPicture(file) {
  const picture = await fitted(file);
  const message = addMessage(name, true, pictureBubble(picture, "Picture from you"));
  const bytes = await picture.arrayBuffer();
  socket.timeout(ACK_TIMEOUT).emit("picture", picture.type, bytes, (error) => acknowledge(message, error));
}

function acknowledge(message, error) {
  const tick = message.querySelector(".tick");
  tick.dataset.state = error ? "failed" : "delivered";
  tick.setAttribute("aria-label", error ? "not delivered" : "delivered");
  tick.title = error ? "Not delivered" : "Delivered";
  message.classList.toggle("failed", Boolean(error));
}

function addMessage(who, mine, bubble) {
  const same = lastAuthor === who + mine;
  lastAuthor = who + mine;
  const message = element("li", `message ${mine ? "mine" : "theirs"} ${same ? "same" : "first"}`);
  message.dataset.testid = mine ? "mine" : "theirs";
  const now = new Date();
  const time = element("time", "", now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = now.toISOString();
  const about = element("span", "about", time);
  if (mine) {
    const tick = element("span", "tick");
    tick.dataset.testid = "tick";
    tick.dataset.state = "sending";
    tick.setAttribute("role", "img");
    tick.setAttribute("aria-label", "sending");
    about.append(tick);
  }
  bubble.append(about);
  message.append(face(who), element("span", "who", who), bubble);
  append(message);
  return message;
}

function note(words) {
  lastAuthor = null;
  append(element("li", "note", words));
}

// New lines scroll into view, unless somebody is reading further up.
function append(line) {
  const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 120;
  messages.append(line);
  if (atEnd || line.classList.contains("mine")) messages.scrollTop = messages.scrollHeight;
}

// --- pictures ---

function pictureBubble(blob, description) {
  const image = element("img");
  image.alt = description;
  image.dataset.testid = "image";
  image.addEventListener("load", () => (messages.scrollTop = messages.scrollHeight), { once: true });
  image.src = URL.createObjectURL(blob);
  const button = element("button", "", image);
  button.type = "button";
  button.addEventListener("click", () => {
    find("viewer-picture").src = image.src;
    find("viewer-picture").alt = description;
    find("viewer").showModal();
  });
  return element("div", "bubble image", button);
}

// The file itself when it is small, otherwise a smaller JPEG.
async function fitted(file) {
  if (file.size < 1_000_000) return file;
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST_PICTURE / Math.max(bitmap.width, bitmap.height));
  const canvas = element("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
}

function sendPictures(files) {
  for (const file of files) if (PICTURE_KINDS.includes(file.type)) sendPicture(file);
}

find("picture").addEventListener("change", (event) => {
  sendPictures(event.target.files);
  event.target.value = "";
});
text.addEventListener("paste", (event) => sendPictures(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  sendPictures(event.dataTransfer.files);
});

// --- typing ---

let typingTimer = 0;
let typingTold = 0; // when, 0 for not typing

function tellTyping(isTyping) {
  clearTimeout(typingTimer);
  if (isTyping) typingTimer = setTimeout(() => tellTyping(false), STILL_TYPING);
  const now = performance.now();
  if (isTyping ? now - typingTold < TELL_TYPING && typingTold : !typingTold) return;
  typingTold = isTyping ? now : 0;
  socket.volatile.emit("typing", isTyping);
}

socket.on("typing", (who, isTyping) => {
  forgetTypist(who);
  if (isTyping) typists.set(who, setTimeout(() => forgetTypist(who), TYPING_SHOWN));
  showTypists();
});

function forgetTypist(who) {
  clearTimeout(typists.get(who));
  typists.delete(who);
  showTypists();
}

function showTypists() {
  const names = [...typists.keys()];
  const line = find("typing");
  line.replaceChildren();
  if (!names.length) return;
  const dots = element("span", "dots", element("i"), element("i"), element("i"));
  const words = names.length > 2 ? "Several people are typing" : `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing`;
  line.append(dots, element("span", "", words));
}

// --- the composer ---

text.addEventListener("input", () => {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
  tellTyping(text.value.trim() !== "");
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    find("composer").requestSubmit();
  }
});
find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  tellTyping(false);
  send(words);
  text.value = "";
  text.style.height = "auto";
  text.focus();
});
find("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  if (find("new-room-name").value.trim()) enter(find("new-room-name").value);
  find("new-room-name").value = "";
});

// --- the start ---

function element(tag, classes = "", ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children);
  return made;
}

// A dialog that everybody has to answer: Escape does not leave it.
find("welcome").addEventListener("cancel", (event) => event.preventDefault());
find("welcome-form").addEventListener("submit", () => {
  name = find("name").value.trim().slice(0, 30) || "Somebody";
  enter(decodeURIComponent(location.hash.slice(1)));
  showConnection("offline", "Connecting …");
  socket.connect();
  text.focus();
});
showRooms();
find("welcome").showModal();

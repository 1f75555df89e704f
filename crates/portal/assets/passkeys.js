// Passkeys: <form data-passkey="create|get" data-options="…" method="post">. The browser is asked, its answer goes into the field
// `answer`, and the form is sent as any other.

/** @param {string} text @returns {ArrayBuffer} */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0)).buffer;
}

/** @param {ArrayBuffer} buffer @returns {string} */
function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The options as the browser wants them: bytes where JSON has base64url. */
function read(options) {
  const named = (credential) => ({ ...credential, id: bytes(credential.id) });
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  options.excludeCredentials = options.excludeCredentials?.map(named);
  options.allowCredentials = options.allowCredentials?.map(named);
  return options;
}

/** The browser's answer as JSON. */
function written(credential) {
  const response = {};
  for (const name of ["attestationObject", "clientDataJSON", "authenticatorData", "signature", "userHandle"]) {
    const value = credential.response[name];
    if (value) response[name] = text(value);
  }
  const { id, type } = credential;
  return JSON.stringify({ id, rawId: text(credential.rawId), type, response, extensions: {} });
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const options = { publicKey: read(JSON.parse(form.dataset.options)) };
  const credential =
    form.dataset.passkey === "create" ? await navigator.credentials.create(options) : await navigator.credentials.get(options);
  form.elements.answer.value = written(credential);
  form.submit();
}

/** @param {unknown} error */
function sentence(error) {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (name === "NotAllowedError") return "Nothing was chosen, or it took too long. Try again.";
  return "Your browser could not use a passkey here. Try again, or choose another way.";
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const said = form.querySelector(".error");
  const button = form.querySelector("button:not([type=button])");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!window.PublicKeyCredential) {
      said.textContent = "This browser knows no passkeys.";
      return;
    }
    said.textContent = "";
    button.disabled = true;
    ask(form).catch((error) => {
      said.textContent = sentence(error);
      button.disabled = false;
    });
  });
}

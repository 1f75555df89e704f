// A device with passkeys, as Chromium makes believe that there is one.

/** Puts one into a page's browser. */
export async function device(context, page) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  return { devtools, authenticatorId };
}

/** Adds a passkey to the account that is signed in. */
export async function addPasskey(page, name) {
  await page.goto("/settings/security");
  await page.getByRole("link", { name: "Add a passkey" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Add passkey" }).click();
  await page.getByRole("status").waitFor();
}

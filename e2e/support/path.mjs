// The main path, as a person walks it who was told "go to the portal and make yourself a key": by role and accessible name.

import assert from "node:assert/strict";

import { mailLink } from "./mail.mjs";

export const PASSWORD = "a long enough password";

/** From the home page to a verified account that is signed in. */
export async function register(world, page, email) {
  await page.goto("/");
  await page.getByRole("link", { name: "Register" }).first().click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Register" }).click();
  await page.goto(await mailLink(world, email));
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Confirm address" }).click();
  await page.getByRole("link", { name: "Settings" }).first().waitFor();
}

export async function signIn(page, email, password = PASSWORD) {
  await page.goto("/");
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** From wherever one is to a new key, and its secret. */
export async function createKey(page, name) {
  await page.getByRole("link", { name: "Settings" }).first().click();
  await page.getByRole("link", { name: "API Keys" }).first().click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create key" }).click();
  return secretShown(page);
}

/** The secret that a page shows once. */
export async function secretShown(page) {
  const secret = await page.getByRole("main").getByRole("code").filter({ hasText: /^vg[km]_\w{20,}$/ }).textContent();
  assert.ok(secret);
  return secret;
}

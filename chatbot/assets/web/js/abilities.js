// What these pages ask of the API beyond questions and answers. An older server lacks some of it; `has` says which, so that
// no button is shown that can only fail.

import { call, can } from "./api.js";

const OPERATIONS = {
  signIn: ["post", "/auth/login"],
  stop: ["post", "/chat/{id}/stop"],
  regenerate: ["post", "/messages/{id}/regenerate"],
  rate: ["put", "/messages/{id}/feedback"],
  rename: ["patch", "/conversations/{id}"],
  export: ["get", "/conversations/{id}/export"],
  me: ["get", "/auth/me"],
  users: ["get", "/users"],
  addUser: ["post", "/users"],
  changeUser: ["patch", "/users/{id}"],
  deleteUser: ["delete", "/users/{id}"],
  audit: ["get", "/audit"],
};

export const has = (name) => can(...OPERATIONS[name]);

/** The path of an operation on one thing. */
export const pathOf = (name, id = "") => OPERATIONS[name][1].replace("{id}", id);

/** Does it. */
export function act(name, id, options) {
  return call(OPERATIONS[name][0].toUpperCase(), pathOf(name, id), options);
}

// Answers that this tab waits for, by conversation: a page that is loaded anew takes them up again.

const key = (conversation) => `answering:${conversation}`;

export const expect = (conversation, message) => sessionStorage.setItem(key(conversation), message);
export const expected = (conversation) => sessionStorage.getItem(key(conversation));
export const settle = (conversation) => sessionStorage.removeItem(key(conversation));

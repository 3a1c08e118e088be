"""The official OpenAI client for Python against a running chatbot, unchanged: every claim is a line, and the first that fails ends it."""

import base64
import json
import os
import struct
import urllib.request

import openai

UPSTREAM = os.environ["UPSTREAM"]
client = openai.OpenAI(max_retries=0, timeout=30)
stranger = client.with_options(api_key="cbk_wrong")
question = [{"role": "user", "content": "Where is the harbour?"}]


def play(*steps):
    """Tells the scripted upstream what to do next."""
    body = json.dumps({"model": "any", "steps": steps}).encode()
    headers = {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{UPSTREAM}/script", body, headers, method="PUT")).close()


def says(text):
    play({"kind": "answer", "text": text})


def check(claim, holds):
    assert holds, claim
    print(f"  ok    python: {claim}")


def refused(error, call):
    try:
        call()
    except error as refusal:
        return refusal
    raise AssertionError(f"{error.__name__} was expected")


models = [model.id for model in client.models.list()]
check("models are listed", models == ["chatbot", "scripted", "vectors"])
check("a model is found by name", client.models.retrieve("chatbot").owned_by == "chatbot")
refusal = refused(openai.NotFoundError, lambda: client.models.retrieve("gpt-9"))
check("a model that is not there is NotFoundError", refusal.code == "model_not_found" and refusal.param == "model")

for model in ["chatbot", "scripted"]:
    says("At the sea.")
    answer = client.chat.completions.create(model=model, messages=question)
    check(f"{model} answers", answer.choices[0].message.content == "At the sea.")
    check(f"{model} says why it ended, and what it used", answer.choices[0].finish_reason == "stop" and answer.usage.completion_tokens == 3)
    says("At the sea, as I said.")
    stream = client.chat.completions.create(model=model, messages=question, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    check(f"{model} streams", words == "At the sea, as I said." and len(chunks) > 4)
    check(f"{model} tells the usage of a stream", chunks[-1].usage.completion_tokens == 6)

answer = client.chat.completions.create(model="chatbot", messages=question)
check("the chatbot names its sources beside OpenAI's fields", answer.model_extra["sources"] == [] and answer.model_extra["degraded"] is False)

parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
tools = [{"type": "function", "function": {"name": "weather", "strict": True, "parameters": parameters}}]
play({"kind": "tool_call", "name": "weather", "arguments": '{"city": "Tehran"}'})
answer = client.chat.completions.create(model="scripted", messages=question, tools=tools)
call = answer.choices[0].message.tool_calls[0]
check("tools are passed through", call.function.name == "weather" and json.loads(call.function.arguments) == {"city": "Tehran"})
with client.chat.completions.stream(model="scripted", messages=question, tools=tools) as stream:
    stream.until_done()
    call = stream.get_final_completion().choices[0].message.tool_calls[0]
check("tools are passed through in a stream", json.loads(call.function.arguments) == {"city": "Tehran"})
says("Sunny.")
messages = [*question, answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sun"}]
check("a tool's answer is passed through", client.chat.completions.create(model="scripted", messages=messages).choices[0].message.content == "Sunny.")

vectors = client.embeddings.create(model="vectors", input=["harbour", "lighthouse"])
check("vectors come, in Base64 as this client asks by itself", len(vectors.data) == 2 and len(vectors.data[0].embedding) == 64)
plain = client.embeddings.create(model="vectors", input="harbour", encoding_format="float").data[0].embedding
check("both encodings say the same", all(abs(one - other) < 1e-6 for one, other in zip(plain, vectors.data[0].embedding)))
raw = client.embeddings.create(model="vectors", input="harbour", encoding_format="base64").data[0].embedding
check("Base64 holds floats of 32 bits", struct.unpack("<64f", base64.b64decode(raw))[0] == struct.unpack("<f", struct.pack("<f", plain[0]))[0])

refused(openai.AuthenticationError, lambda: stranger.models.list())
check("a wrong key is AuthenticationError", True)
refusal = refused(openai.BadRequestError, lambda: client.chat.completions.create(model="chatbot", messages=question, n=2))
check("what is not done is BadRequestError, and names the parameter", refusal.param == "n" and refusal.code == "unsupported_parameter")
play({"kind": "status", "status": 429, "message": "slow down"})
refused(openai.RateLimitError, lambda: client.chat.completions.create(model="scripted", messages=question))
check("a limit of the upstream is RateLimitError", True)
play({"kind": "status", "status": 500, "message": "oops"})
refused(openai.InternalServerError, lambda: client.chat.completions.create(model="scripted", messages=question))
check("a failure of the upstream is InternalServerError", True)
play({"kind": "cut", "text": "one two three", "after": 2})
refused(openai.APIError, lambda: list(client.chat.completions.create(model="scripted", messages=question, stream=True)))
check("a stream that breaks off is APIError", True)
play({"kind": "status", "status": 500, "message": "oops"}, {"kind": "answer", "text": "At last."})
answer = client.with_options(max_retries=1).chat.completions.create(model="scripted", messages=question)
check("this client's own second attempt is answered", answer.choices[0].message.content == "At last.")

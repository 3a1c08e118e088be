-- What Argo CD is told of an environment in each situation; run by tests/gitops/run with the path of the health script.
local function condition(type, status, reason)
  return { type = type, status = status, reason = reason, message = "as the operator says" }
end
local function environment(seen, ...)
  return { metadata = { generation = 2 }, status = { observedGeneration = seen, conditions = { ... } } }
end
local serves = condition("Ready", "True", "ReleaseActive")
local cases = {
  { "just applied", { metadata = { generation = 1 } }, "Progressing" },
  { "changed a moment ago", environment(1, serves), "Progressing" },
  { "serves", environment(2, serves), "Healthy" },
  { "in its bake", environment(2, serves, condition("Reconciling", "True", "ReleaseActive")), "Progressing" },
  { "on its way", environment(2, condition("Ready", "False", "ReleaseInProgress"), condition("Reconciling", "True", "ReleaseInProgress")), "Progressing" },
  { "waits for a person", environment(2, condition("Ready", "False", "AwaitingPromotion"), condition("Reconciling", "True", "AwaitingPromotion")), "Suspended" },
  { "suspended", environment(2, condition("Ready", "False", "Suspended")), "Suspended" },
  { "failed", environment(2, condition("Ready", "False", "ReleaseFailed"), condition("Stalled", "True", "ReleaseFailed")), "Degraded" },
  { "held back", environment(2, condition("Ready", "False", "RolledBack"), condition("Stalled", "True", "RolledBack")), "Degraded" },
}
local failed = false
for _, case in ipairs(cases) do
  obj = case[2]
  local health = dofile(arg[1])
  local ok = health.status == case[3] and health.message ~= ""
  print((ok and "  ok    " or "  FAIL  ") .. case[1] .. ": " .. health.status)
  failed = failed or not ok
end
os.exit(failed and 1 or 0)

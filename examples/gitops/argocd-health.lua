-- How Argo CD reads the health of a ChatbotEnvironment.
-- Install it under the key resource.customizations.health.chatbot.platform_ChatbotEnvironment of the ConfigMap argocd-cm.
--
--   Progressing  a release is on its way, its bake included: a sync wave waits until it is over
--   Suspended    a release waits for a person (promotion: Manual), or the environment is suspended or paused
--   Degraded     it cannot go on by itself: a release failed, is held or held back, or something is missing
--   Healthy      users are served as the spec asks
local health = { status = "Progressing", message = "the operator has not seen it yet" }
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
if status.observedGeneration ~= nil and status.observedGeneration ~= obj.metadata.generation then
  health.message = "the operator has not seen the newest change of the spec yet"
  return health
end
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"]
if ready == nil then
  return health
end
health.message = ready.reason .. ": " .. ready.message
local waits = { AwaitingPromotion = true, Suspended = true, Paused = true }
local function is_true(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end
if waits[ready.reason] then
  health.status = "Suspended"
elseif is_true("Stalled") then
  health.status = "Degraded"
elseif is_true("Reconciling") then
  health.status = "Progressing"
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health

-- Which findings of a model were open at a moment of the past: asked whenever an approval is verified again.
CREATE INDEX findings_of_model ON findings (model, kind, opened_at);

-- A regression gives a value and neither label nor probability; a multiclass model a probability a class.
ALTER TABLE predictions ALTER COLUMN probability DROP NOT NULL;
ALTER TABLE predictions ALTER COLUMN label DROP NOT NULL;
ALTER TABLE predictions ADD COLUMN value double precision;
-- By the name of the class; multiclass alone.
ALTER TABLE predictions ADD COLUMN probabilities jsonb;
ALTER TABLE predictions ADD CONSTRAINT predictions_answer CHECK ((value IS NULL) = (probability IS NOT NULL AND label IS NOT NULL));

-- Why a signature was refused: JSON of a code and a sentence.
ALTER TABLE sillok_signatures ADD COLUMN refusal TEXT;

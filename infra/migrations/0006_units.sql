-- What a call is counted in where that is no token: seconds of audio, characters to speak, images, documents. Which of
-- them follows from the endpoint.
ALTER TABLE usage ADD COLUMN units INTEGER NOT NULL DEFAULT 0;

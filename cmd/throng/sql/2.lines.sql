-- What lines are inserted into. It keeps nothing.
CREATE TABLE lines
(
    line String
)
ENGINE = Null

"""`Record`: one JSON file of measurements, with everything that a report needs."""

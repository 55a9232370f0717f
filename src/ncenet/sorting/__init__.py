"""Images into folders by class, when the labelling is done."""

"""Who may ask, who must agree, who looked: the service through which people use Homeward."""

"""The stand-in's answer to DetectLabels: ten labels and the image properties, in the form of AWS's own."""

NAMES = ["Person", "Astronaut", "Adult", "Female", "Woman", "Face", "Head", "Portrait", "Flag", "Smile"]
CATEGORIES = ["Person Description", "Profession", "Symbols and Flags", "Expressions and Emotions", "Popular Landmarks"]
BOX = {"Width": 0.6795718669891357, "Height": 0.9383611679077148, "Left": 0.04292294383049011, "Top": 0.013667434453964233}


def labels():
    """An answer of about 5 KB, as for a photograph with few objects."""
    return {
        "Labels": [label(number, name) for number, name in enumerate(NAMES)],
        "LabelModelVersion": "3.0",
        "ImageProperties": {
            "Quality": {"Brightness": 71.31, "Sharpness": 93.12, "Contrast": 80.45},
            "DominantColors": colours(),
            "Foreground": {"Quality": {"Brightness": 70.2, "Sharpness": 91.8}, "DominantColors": colours()},
            "Background": {"Quality": {"Brightness": 64.9, "Sharpness": 47.6}, "DominantColors": colours()},
        },
    }


def label(number, name):
    instances = [{"BoundingBox": BOX, "Confidence": 99.1 - number}] if number < 3 else []
    return {
        "Name": name,
        "Confidence": 99.97994232177734 - 3.5 * number,
        "Instances": instances,
        "Parents": [{"Name": NAMES[0]}] if number else [],
        "Aliases": [{"Name": f"{name} (other)"}],
        "Categories": [{"Name": CATEGORIES[number % len(CATEGORIES)]}],
    }


def colours():
    return [
        {"Red": red, "Green": 105, "Blue": 105, "HexCode": f"#{red:02x}6969", "CSSColor": "dimgrey",
         "SimplifiedColor": ["grey", "blue", "orange"][at], "PixelPercent": 40.5 - 10 * at}
        for at, red in enumerate((105, 60, 205))
    ]

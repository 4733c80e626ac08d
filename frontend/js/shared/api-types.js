// @ts-check
/**
 * The API's JSON as JSDoc types. Only type comments refer to this file; the browser never loads it.
 *
 * Members in PascalCase are Amazon Rekognition's own JSON. Boxes are ratios (0..1) of the upright picture and may
 * extend beyond it; confidences and `PixelPercent` are percent (0..100).
 *
 * @typedef {object} UploadRequest body of `POST /uploads`
 * @property {string} contentType
 * @property {number} contentLength bytes
 * @property {string} [filename]
 * @property {string} [sha256] 64 lower-case hex digits
 * @property {string[]} [analyses]
 *
 * @typedef {object} UploadTicket response to `POST /uploads`: an address that accepts this one file, once
 * @property {string} imageId
 * @property {string} key
 * @property {string} method
 * @property {string} uploadUrl
 * @property {Record<string, string>} headers the upload must have exactly these
 * @property {string} expiresAt RFC 3339
 * @property {string} resultKey
 * @property {string} resultUrl
 * @property {string} statusUrl
 *
 * @typedef {object} Problem RFC 9457 `application/problem+json`
 * @property {string} [type]
 * @property {string} [title]
 * @property {number} [status]
 * @property {string} [detail]
 * @property {string} [code]
 *
 * @typedef {object} BoundingBox
 * @property {number} [Left]
 * @property {number} [Top]
 * @property {number} [Width]
 * @property {number} [Height]
 *
 * @typedef {object} DominantColor
 * @property {string} [HexCode]
 * @property {string} [CSSColor]
 * @property {string} [SimplifiedColor]
 * @property {number} [PixelPercent]
 *
 * @typedef {object} Instance
 * @property {BoundingBox} [BoundingBox]
 * @property {number} [Confidence]
 * @property {DominantColor[]} [DominantColors]
 *
 * @typedef {object} Label
 * @property {string} [Name]
 * @property {number} [Confidence]
 * @property {Instance[]} [Instances]
 * @property {{Name?: string}[]} [Parents]
 * @property {{Name?: string}[]} [Aliases]
 * @property {{Name?: string}[]} [Categories]
 *
 * @typedef {object} ImageQuality each 0..100
 * @property {number} [Brightness]
 * @property {number} [Sharpness]
 * @property {number} [Contrast]
 *
 * @typedef {object} ImageRegion
 * @property {ImageQuality} [Quality]
 * @property {DominantColor[]} [DominantColors]
 *
 * @typedef {object} DetectLabelsResponse
 * @property {Label[]} [Labels]
 * @property {string} [LabelModelVersion]
 * @property {ImageRegion & {Foreground?: ImageRegion, Background?: ImageRegion}} [ImageProperties]
 *
 * @typedef {{Value?: boolean, Confidence?: number}} Trait
 *
 * @typedef {object} FaceDetail
 * @property {BoundingBox} [BoundingBox]
 * @property {number} [Confidence]
 * @property {{Low?: number, High?: number}} [AgeRange]
 * @property {{Value?: string, Confidence?: number}} [Gender]
 * @property {{Type?: string, Confidence?: number}[]} [Emotions]
 * @property {Trait} [Smile]
 * @property {Trait} [Eyeglasses]
 * @property {Trait} [Sunglasses]
 * @property {Trait} [Beard]
 * @property {Trait} [Mustache]
 * @property {Trait} [EyesOpen]
 * @property {Trait} [MouthOpen]
 *
 * @typedef {{BoundingBox?: BoundingBox, Polygon?: {X?: number, Y?: number}[]}} Geometry
 *
 * @typedef {object} TextDetection
 * @property {string} [DetectedText]
 * @property {'LINE' | 'WORD'} [Type]
 * @property {number} [Confidence]
 * @property {Geometry} [Geometry]
 *
 * @typedef {object} ModerationLabel
 * @property {string} [Name]
 * @property {string} [ParentName]
 * @property {number} [Confidence]
 *
 * @typedef {object} Celebrity
 * @property {string} [Name]
 * @property {number} [MatchConfidence]
 * @property {{BoundingBox?: BoundingBox, Confidence?: number}} [Face]
 *
 * @typedef {object} CustomLabel
 * @property {string} [Name]
 * @property {number} [Confidence]
 * @property {Geometry} [Geometry]
 *
 * @typedef {object} EquippedPerson
 * @property {BoundingBox} [BoundingBox]
 * @property {number} [Confidence]
 * @property {{Name?: string, EquipmentDetections?: {Type?: string, Confidence?: number}[]}[]} [BodyParts]
 *
 * @typedef {object} RekognitionResponses by operation
 * @property {DetectLabelsResponse} [detectLabels]
 * @property {{FaceDetails?: FaceDetail[]}} [detectFaces]
 * @property {{TextDetections?: TextDetection[]}} [detectText]
 * @property {{ModerationLabels?: ModerationLabel[]}} [detectModerationLabels]
 * @property {{CelebrityFaces?: Celebrity[]}} [recognizeCelebrities]
 * @property {{CustomLabels?: CustomLabel[]}} [detectCustomLabels]
 * @property {{Persons?: EquippedPerson[]}} [detectProtectiveEquipment]
 *
 * @typedef {object} AnalysisError
 * @property {string} [analysis]
 * @property {string} code
 * @property {string} message
 * @property {boolean} [retryable]
 *
 * @typedef {object} ResultDocument `results/<source key>.json`
 * @property {number} schemaVersion
 * @property {string} imageId
 * @property {'succeeded' | 'partial' | 'failed'} status
 * @property {{bucket?: string, key?: string, size?: number, contentType?: string, filename?: string}} [source]
 * @property {{format?: string, width?: number, height?: number, orientation?: number, takenAt?: string} | null} [image]
 * @property {{labels: string[], categories: string[], text: string[], moderation: string[]}} [summary] the answers in short; a part of it
 * @property {RekognitionResponses} [rekognition]
 * @property {AnalysisError[]} [errors]
 * @property {string} [processedAt] RFC 3339
 * @property {string} [processorVersion]
 *
 * @typedef {object} ImageRow one picture in the index
 * @property {string} key
 * @property {string} imageId
 * @property {'succeeded' | 'partial' | 'failed'} status
 * @property {string} uploadedAt RFC 3339
 * @property {string} processedAt RFC 3339
 * @property {string} [filename]
 * @property {string} [contentType]
 * @property {number} size bytes
 * @property {number} [width] pixels, upright
 * @property {number} [height]
 * @property {string} [takenAt] when the camera took it: `2024-05-01T13:20:05`, with an offset if the camera knew it
 * @property {{name: string, confidence: number}[]} labels at most 20, ancestors of others last
 * @property {string[]} categories
 * @property {number} [faces] how many; missing unless faces were analysed
 * @property {string[]} [emotions] main emotions of the faces, such as `Happy`, most confident first
 * @property {{low: number, high: number}[]} [ages] estimated ages of the faces in years, youngest first
 * @property {number} [confidence] the highest one of the requested label or category
 * @property {Rendition} [thumbnail]
 * @property {Rendition} [preview] larger than the thumbnail
 *
 * @typedef {{url: string, width: number, height: number}} Rendition an upright JPEG; `url` expires
 *
 * @typedef {object} ImagePage response to `GET /images`
 * @property {ImageRow[]} images
 * @property {string} [cursor] missing on the last page
 * @property {{word: string, names: string[]}[]} [didYouMean] words and labels that no picture has, and similar names
 *
 * @typedef {ImageRow & {imageUrl: string, resultUrl: string, expiresAt: string}} ImageDetails response to `GET /images/{key}`
 *
 * @typedef {{name: string, images: number, aliases?: string[]}} Count `aliases`: other names of a label
 * @typedef {{labels: Count[], categories: Count[], images?: number}} Counts response to `GET /labels`, most frequent first;
 *   `images`: the number of all pictures
 */

export {};

// @ts-check
/**
 * The shapes that the page exchanges with the API, as JSDoc types. Nothing here runs, and no module loads
 * this file in the browser: it is named in type comments only.
 *
 * What stands in PascalCase is Amazon Rekognition's own JSON. Boxes are ratios (0..1) of the upright
 * picture and may reach beyond it; confidences and `PixelPercent` are percent (0..100).
 *
 * @typedef {object} UploadRequest body of `POST /uploads`
 * @property {string} contentType
 * @property {number} contentLength bytes
 * @property {string} [filename]
 * @property {string} [sha256] 64 lower-case hex digits
 * @property {string[]} [analyses]
 *
 * @typedef {object} UploadTicket answer to `POST /uploads`: an address that takes this one file once
 * @property {string} imageId
 * @property {string} key
 * @property {string} method
 * @property {string} uploadUrl
 * @property {Record<string, string>} headers exactly what must be sent with the upload
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
 * @typedef {object} DetectLabelsAnswer
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
 *
 * @typedef {{BoundingBox?: BoundingBox}} Geometry
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
 * @typedef {object} RekognitionAnswers by operation
 * @property {DetectLabelsAnswer} [detectLabels]
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
 * @property {{format?: string, width?: number, height?: number, orientation?: number} | null} [image]
 * @property {RekognitionAnswers} [rekognition]
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
 * @property {{name: string, confidence: number}[]} labels at most 20, best first
 * @property {string[]} categories
 * @property {number} [faces]
 * @property {number} [confidence] best one of the label or category that was asked for
 * @property {{url: string, width: number, height: number}} [thumbnail] `url` is valid for a while only
 *
 * @typedef {object} ImagePage answer to `GET /images`, newest first
 * @property {ImageRow[]} images
 * @property {string} [cursor] missing on the last page
 *
 * @typedef {ImageRow & {imageUrl: string, resultUrl: string, expiresAt: string}} ImageDetails answer to `GET /images/{key}`
 *
 * @typedef {{name: string, images: number}} Count
 * @typedef {{labels: Count[], categories: Count[]}} Counts answer to `GET /labels`, most frequent first
 */

export {};
